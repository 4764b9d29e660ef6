"""Holds the style sheet of a page, and the script that sorts tables."""

STYLE = """
:root { color-scheme: light dark; --back: #fff; --face: #f5f6f8; --ink: #1b1f24; --muted: #626b76;
  --rule: #dfe3e8; --accent: #2a6fdb; --good: #14804a; --bad: #c0392b;
  --s0: #2a6fdb; --s1: #d9730d; --s2: #14804a; --s3: #b4308f; --s4: #8a6d00; --s5: #5b4bc4; }
@media (prefers-color-scheme: dark) { :root { --back: #14171b; --face: #1e2329; --ink: #e6e9ed;
  --muted: #98a2ae; --rule: #343b44; --accent: #6aa5ff; --good: #4fc98a; --bad: #ff8375;
  --s0: #6aa5ff; --s1: #ffab5c; --s2: #4fc98a; --s3: #ef83d0; --s4: #dcc04a; --s5: #a99bff; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--back); color: var(--ink);
  font: 15px/1.5 system-ui, "Segoe UI", Roboto, "DejaVu Sans", sans-serif; }
main { max-width: 1080px; margin: 0 auto; padding: 28px 20px 60px; }
h1 { font-size: 26px; margin: 0; } h2 { font-size: 18px; margin: 40px 0 4px; }
header p { margin: 2px 0 18px; overflow-wrap: anywhere; }
.muted { color: var(--muted); } section > .muted { margin: 0 0 12px; }
.tiles { display: grid; gap: 12px; grid-template-columns: repeat(auto-fit, minmax(130px, 1fr)); }
.tile { background: var(--face); border-radius: 10px; padding: 12px 16px; }
.tile b { display: block; font-size: 24px; font-variant-numeric: tabular-nums; }
.tile span { color: var(--muted); font-size: 13px; }
.tile:first-child { background: var(--accent); color: var(--back); }
.tile:first-child span { color: inherit; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: 14px; }
th { text-align: left; border-bottom: 2px solid var(--rule); padding: 0; }
th.number { text-align: right; }
th button { all: unset; cursor: pointer; padding: 6px 10px; font-weight: 600; white-space: nowrap; }
th button:focus-visible { outline: 2px solid var(--accent); }
th button::after { content: "\\2195"; color: var(--muted); opacity: .5; margin-left: 5px; }
th[aria-sort=ascending] button::after { content: "\\2191"; opacity: 1; }
th[aria-sort=descending] button::after { content: "\\2193"; opacity: 1; }
td { padding: 4px 10px; border-bottom: 1px solid var(--rule); }
tbody tr:hover { background: var(--face); }
.number { text-align: right; font-variant-numeric: tabular-nums; }
.bar { white-space: nowrap; font-variant-numeric: tabular-nums; }
.bar .track { display: inline-block; vertical-align: middle; width: min(240px, 20vw); height: 9px;
  margin-left: 12px; background: var(--face); border-radius: 5px; overflow: hidden; }
.bar i { display: block; height: 100%; background: var(--accent); border-radius: 5px; }
.grid { display: grid; gap: 18px; align-items: start;
  grid-template-columns: repeat(auto-fill, minmax(min(320px, 100%), 1fr)); }
.grid.small { gap: 14px; grid-template-columns: repeat(auto-fill, minmax(112px, 1fr)); }
figure { margin: 0; } svg { display: block; width: 100%; height: auto; }
figcaption { font-size: 13px; margin-top: 4px; overflow-wrap: anywhere; }
.small figcaption { font-size: 12px; line-height: 1.3; }
.chart figcaption { margin: 0 0 4px; }
.key { margin-left: 14px; white-space: nowrap; }
.key::before { content: ""; display: inline-block; width: 14px; height: 3px; margin-right: 5px;
  vertical-align: middle; background: currentColor; }
.axis { fill: var(--muted); font-size: 11px; } .end { text-anchor: end; }
.middle { text-anchor: middle; }
line.grid { stroke: var(--rule); }
.line { fill: none; stroke: currentColor; stroke-width: 1.6; stroke-linejoin: round; }
.dot { fill: currentColor; }
.s0 { color: var(--s0); } .s1 { color: var(--s1); } .s2 { color: var(--s2); }
.s3 { color: var(--s3); } .s4 { color: var(--s4); } .s5 { color: var(--s5); }
.frame { fill: var(--face); }
.area { fill: var(--accent); fill-opacity: .3; stroke: var(--accent); stroke-width: 1.2; }
.matrix .right { fill: var(--accent); } .matrix .wrong { fill: var(--s1); }
.matrix .side { fill: var(--ink); } .matrix .count { fill: var(--ink); text-anchor: middle; }
.front { fill: var(--accent); } .back { fill: var(--muted); fill-opacity: .45; }
.cell { fill: var(--accent); } .scroll > svg { max-width: none; }
.change { display: inline-block; vertical-align: middle; position: relative; width: 120px;
  height: 9px; margin-left: 12px; background: var(--face); border-radius: 5px; overflow: hidden; }
.change i { position: absolute; }
.change .up { background: var(--good); } .change .down { background: var(--bad); }
.signed { display: inline-block; width: 4.6em; text-align: right; }
.picture svg { border-radius: 8px; background: #000; }
.picture rect { fill: none; stroke-width: 2.5; }
.picture .under { stroke: #000; stroke-opacity: .55; stroke-width: 5; stroke-dasharray: none; }
.picture .found { stroke: #ffb000; } .picture .truth { stroke: #fff; stroke-dasharray: 7 5; }
.picture .flag { fill: #ffb000; stroke: none; } .picture .flag.truth { fill: #fff; }
.mark { fill: #000; font: 700 14px system-ui, sans-serif; text-anchor: middle; }
.picture p { margin: 2px 0; } .picture b { margin-right: 4px; }
.good { color: var(--good); } .bad { color: var(--bad); }
.chip { display: inline-block; margin: 0 10px 0 0; }
"""

SCRIPT = """
document.querySelectorAll("th button").forEach(button => button.onclick = () => {
  const head = button.parentNode, row = head.parentNode, at = [...row.children].indexOf(head);
  const down = head.getAttribute("aria-sort") !== "descending";
  [...row.children].forEach(other => other.removeAttribute("aria-sort"));
  head.setAttribute("aria-sort", down ? "descending" : "ascending");
  const body = head.closest("table").tBodies[0];
  const key = line => {
    const cell = line.children[at];
    if (cell.textContent === "\\u2013") return null;
    return cell.dataset.value === undefined ? cell.textContent : Number(cell.dataset.value);
  };
  const compare = (a, b) => typeof a === "number" ? a - b : a.localeCompare(b);
  const lines = [...body.rows].map(line => [key(line), line]);
  lines.sort(([a], [b]) => a === null ? 1 : b === null ? -1 : (down ? -1 : 1) * compare(a, b));
  body.append(...lines.map(([, line]) => line));
});
"""
