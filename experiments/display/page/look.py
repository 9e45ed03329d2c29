"""The style of the page in light and dark, and the script of its tooltips."""

STYLE = """
:root { color-scheme: light dark; --paper: #fff; --ink: #1b1f24; --soft: #57606a; --line: #d0d7de; --card: #f6f8fa;
  --blue: #0072b2; --red: #c04a00; --green: #00795a; --grey: #8c8c8c; --cell: 0, 114, 178; --wrong: 213, 94, 0; }
@media (prefers-color-scheme: dark) { :root { --paper: #0d1117; --ink: #e6edf3; --soft: #9da7b1; --line: #3d444d;
  --card: #161b22; --blue: #56b4e9; --red: #ff8c42; --green: #3fc79a; --grey: #9a9a9a; --cell: 46, 140, 200; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 1rem; max-width: 75rem; background: var(--paper); color: var(--ink);
  font: 1rem/1.5 system-ui, sans-serif; overflow-wrap: anywhere; }
h1 { font-size: 1.5rem; line-height: 1.25; margin: 0 0 .75rem; }
h2 { font-size: 1.2rem; margin: 2rem 0 .5rem; border-bottom: 1px solid var(--line); }
h3 { font-size: 1rem; margin: 1rem 0 .25rem; }
p { margin: .5rem 0; max-width: 48rem; }
.verdict { border-left: .3rem solid var(--red); background: var(--card); padding: .5rem .75rem; margin: 0 0 .5rem; }
.verdict.clean { border-color: var(--green); }
.tiles, .grid, .pictures { display: grid; gap: .75rem; padding: 0; margin: .75rem 0; list-style: none; }
.tiles { grid-template-columns: repeat(auto-fit, minmax(10rem, 1fr)); }
.tiles div { background: var(--card); border: 1px solid var(--line); border-radius: .4rem; padding: .5rem .75rem; }
.tiles dt { color: var(--soft); font-size: .85rem; }
.tiles dd { margin: 0; font-size: 1.25rem; font-weight: 600; }
.grid { grid-template-columns: repeat(auto-fit, minmax(min(100%, 21rem), 1fr)); align-items: start; }
.pictures { grid-template-columns: repeat(auto-fill, minmax(5.5rem, 1fr)); }
.pictures li { font-size: .8rem; line-height: 1.25; }
img { display: block; width: 100%; height: auto; max-width: 8rem; aspect-ratio: 1; image-rendering: pixelated;
  background: #888; }
figure { margin: 0; }
figcaption, caption { color: var(--soft); font-size: .85rem; text-align: left; max-width: 48rem; }
svg { display: block; width: 100%; max-width: 35rem; height: auto; font: 12px system-ui, sans-serif; }
svg text { fill: var(--ink); }
svg.scaled { max-width: none; }
.axis { stroke: var(--line); fill: none; }
.front { stroke: var(--ink); fill: none; }
.hollow { fill: none; }
.blue { fill: var(--blue); stroke: var(--blue); } .red { fill: var(--red); stroke: var(--red); }
.green { fill: var(--green); stroke: var(--green); } .grey { fill: var(--grey); stroke: var(--grey); }
.blue.hollow, .red.hollow, .green.hollow, .grey.hollow { fill: none; }
.faint { opacity: .45; }
.band { fill: var(--grey); opacity: .18; }
[data-tip]:hover, [data-tip]:focus-visible { opacity: 1; stroke: var(--ink); stroke-width: 2; }
:focus-visible { outline: 2px solid var(--blue); outline-offset: 2px; }
.wide { overflow-x: auto; margin: .5rem 0; }
table { border-collapse: collapse; font-size: .9rem; overflow-wrap: normal; }
th, td { border-bottom: 1px solid var(--line); padding: .2rem .5rem; text-align: left; vertical-align: top; }
thead th { white-space: nowrap; }
th { font-weight: 600; }
.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
.matrix td, .matrix thead th { text-align: center; padding: .15rem .3rem; min-width: 1.9rem; }
.matrix td { background: rgba(var(--wrong), var(--share)); }
.matrix td.right { background: rgba(var(--cell), var(--share)); }
pre { background: var(--card); border: 1px solid var(--line); padding: .5rem .75rem; white-space: pre-wrap; }
.bar { display: inline-block; height: .7em; background: var(--blue); min-width: 1px; }
#tip { position: fixed; z-index: 1; max-width: min(22rem, 90vw); padding: .3rem .6rem; border-radius: .3rem;
  background: var(--ink); color: var(--paper); font-size: .85rem; pointer-events: none; }
@media print { body { max-width: none; } .wide { overflow: visible; } }
"""

SCRIPT = """
const tip = document.getElementById("tip");
function hide() { tip.hidden = true; }
function show(event) {
  const mark = event.target instanceof Element ? event.target.closest("[data-tip]") : null;
  if (!mark) { hide(); return; }
  tip.textContent = mark.dataset.tip;
  tip.hidden = false;
  const at = mark.getBoundingClientRect(), own = tip.getBoundingClientRect();
  const below = at.bottom + own.height + 8 < innerHeight;
  const left = Math.min(at.left + at.width / 2 - own.width / 2, innerWidth - own.width - 4);
  tip.style.left = `${Math.max(4, left)}px`;
  tip.style.top = `${Math.max(4, below ? at.bottom + 6 : at.top - own.height - 6)}px`;
}
for (const name of ["pointerover", "focusin"]) document.addEventListener(name, show);
document.addEventListener("focusout", hide);
document.addEventListener("scroll", hide, true);
document.addEventListener("keydown", event => { if (event.key === "Escape") hide(); });
"""
