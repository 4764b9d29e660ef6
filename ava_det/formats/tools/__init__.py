"""Files of annotation tools: CVAT, VIA, COCO."""
