/**
 * The page's style sheet: the only one, and the only thing besides text that its policy lets through. Colours of tasks
 * are Okabe and Ito's (2008), told apart by people who see colours differently too.
 */
export const style = `
:root { color-scheme: light dark;
  --paper: #fbfaf7; --ink: #1d2421; --soft: #5d6a64; --line: #dcded8; --tint: #f1f1eb; --on: #fff;
  --shared: #2f6f5e; --partly: #7aa596; --accent: #1d2421; --wrong: #c2410c;
  --t0: #0072b2; --t1: #d55e00; --t2: #a45a8a; --t3: #b8860b; --t4: #3a8fc4; --t5: #6a7f10; --t6: #7a4fb5; --t7: #6b6b6b; }
@media screen and (prefers-color-scheme: dark) { :root {
  --paper: #141816; --ink: #e9ece8; --soft: #98a39d; --line: #303733; --tint: #1c221f; --on: #101412;
  --shared: #5fb89f; --partly: #3d7566; --accent: #e9ece8; --wrong: #f0803c;
  --t0: #56a9e0; --t1: #f0904a; --t2: #d596bd; --t3: #e3b94e; --t4: #8cc8ee; --t5: #b3c95a; --t6: #b597e6; --t7: #a8a8a8; } }
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 16px/1.5 system-ui, sans-serif; }
main { max-width: 1120px; margin: 0 auto; padding: 40px 24px 64px; }
h1 { font-size: 2rem; line-height: 1.15; letter-spacing: -0.02em; margin: 0 0 8px; overflow-wrap: anywhere; }
h2 { font-size: 1.25rem; letter-spacing: -0.01em; margin: 0 0 4px; }
h3 { font-size: 1rem; margin: 24px 0 4px; }
p { margin: 0 0 12px; max-width: 68ch; }
.over { color: var(--soft); font-size: 0.8125rem; letter-spacing: 0.04em; margin: 0 0 12px; }
.lead { font-size: 1.125rem; }
.soft { color: var(--soft); font-size: 0.9375rem; }
section { border-top: 1px solid var(--line); margin-top: 36px; padding-top: 20px; }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(150px, 1fr)); gap: 20px 24px; margin: 24px 0 0; padding: 0; }
.tiles div { border-left: 3px solid var(--shared); padding-left: 12px; }
.tiles dt { color: var(--soft); font-size: 0.8125rem; }
.tiles dd { margin: 0; font-size: 1.625rem; line-height: 1.25; letter-spacing: -0.02em; font-variant-numeric: tabular-nums; }
.tiles dd + dd { color: var(--soft); font-size: 0.8125rem; letter-spacing: 0; }
.pair { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 400px), 1fr)); gap: 24px 40px; align-items: start; }
.pair > * { min-width: 0; }
figure { margin: 12px 0 0; }
figcaption { color: var(--soft); font-size: 0.875rem; margin-bottom: 6px; }
svg { display: block; width: 100%; height: auto; overflow: visible; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; max-width: 760px; font-size: 0.875rem; font-variant-numeric: tabular-nums; margin: 12px 0 0; }
caption { text-align: left; color: var(--soft); padding-bottom: 4px; }
th, td { text-align: right; padding: 5px 0 5px 14px; border-bottom: 1px solid var(--line); vertical-align: top; white-space: nowrap; }
th:first-child, td:first-child { text-align: left; padding-left: 0; white-space: normal; }
td .soft { font-size: inherit; }
.words th, .words td { text-align: left; white-space: normal; overflow-wrap: break-word; }
.words td:last-child { min-width: 12ch; }
thead th { color: var(--soft); font-weight: 500; }
tbody th { font-weight: 500; }
details { margin: 12px 0 0; }
summary { cursor: pointer; color: var(--soft); font-size: 0.875rem; }
pre { background: var(--tint); padding: 12px; overflow-x: auto; font: 0.8125rem/1.45 ui-monospace, monospace; border-radius: 4px; }
code { font: 0.8125rem ui-monospace, monospace; }
ul { margin: 8px 0 0; padding-left: 20px; max-width: 76ch; }
svg text { font: 12px system-ui, sans-serif; fill: var(--ink); }
svg .small { fill: var(--soft); }
svg .tick { font-size: 11px; fill: var(--soft); font-variant-numeric: tabular-nums; }
svg .on-colour { fill: var(--on); }
.grid { stroke: var(--line); stroke-width: 0.75; }
.axis { stroke: var(--soft); stroke-width: 0.75; }
.frame { fill: none; stroke: var(--line); }
.stage { fill: var(--tint); } .no-fill { fill: none; }
.fill { fill: var(--c); stroke: none; }
.hollow { fill: var(--paper); stroke: var(--c); stroke-width: 2; }
.whisker { stroke: var(--c); stroke-width: 2; stroke-opacity: 0.45; }
.curve { fill: none; stroke: var(--c); stroke-width: 1.75; stroke-linejoin: round; }
.floor { stroke: var(--c); stroke-dasharray: 4 3; }
.limit { stroke: var(--wrong); stroke-dasharray: 4 3; }
.chosen { fill: none; stroke: var(--wrong); stroke-width: 2; }
.ribbon { fill: var(--c); fill-opacity: 0.2; }
.shared { --c: var(--shared); } .partly-shared { --c: var(--partly); } .accent { --c: var(--accent); }
.neutral, .input { --c: var(--soft); } .wrong { --c: var(--wrong); }
.saved { --c: var(--line); fill-opacity: 0.7; }
.t0 { --c: var(--t0); } .t1 { --c: var(--t1); } .t2 { --c: var(--t2); } .t3 { --c: var(--t3); }
.t4 { --c: var(--t4); } .t5 { --c: var(--t5); } .t6 { --c: var(--t6); } .t7 { --c: var(--t7); }
@media (max-width: 560px) { main { padding: 24px 16px 48px; } h1 { font-size: 1.625rem; } .tiles { grid-template-columns: 1fr 1fr; } .tiles dd { font-size: 1.375rem; } }
@page { margin: 14mm; }
@media print { :root { --paper: #fff; --tint: #f4f4f0; }
  body { font-size: 10.5pt; } main { max-width: none; padding: 0; } .scroll { overflow: visible; }
  figure, .tiles, tr, table { break-inside: avoid; } h2, h3, h2 + p, caption { break-after: avoid; }
  .tiles { grid-template-columns: repeat(5, 1fr); gap: 12px; } .tiles dd { font-size: 14pt; } .tiles dd + dd { font-size: 8pt; }
  .pair { grid-template-columns: 1fr 1fr; } .fill, .ribbon, .stage { print-color-adjust: exact; -webkit-print-color-adjust: exact; } }
`;
