// How the report looks: one column, light and dark, readable on a phone.
export const STYLE: string = `
:root { color-scheme: light dark; --paper: #fbf9f5; --sheet: #fffdf9; --ink: #2b2622; --faint: #655d55; --line: #d9d2c7; --link: #23577f;
  --yes: #1f6b3a; --part: #7a5200; --no: #a0301f; --none: #655d55; }
:root[data-theme="dark"] { color-scheme: dark; --paper: #1b1917; --sheet: #242120; --ink: #ece6de; --faint: #b3aaa0; --line: #45403b; --link: #8fc1ea;
  --yes: #7fd19b; --part: #e3b85e; --no: #f09a86; --none: #b3aaa0; }
@media (prefers-color-scheme: dark) { :root:not([data-theme="light"]) { --paper: #1b1917; --sheet: #242120; --ink: #ece6de; --faint: #b3aaa0; --line: #45403b; --link: #8fc1ea;
  --yes: #7fd19b; --part: #e3b85e; --no: #f09a86; --none: #b3aaa0; } }
:root[data-theme="light"] { color-scheme: light; }
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 17px/1.55 Georgia, "Times New Roman", "Noto Serif CJK SC", "Songti SC", serif; }
main, header { max-width: 60rem; margin: 0 auto; padding: 0 1rem; }
header { padding-top: 1.5rem; }
h1 { font-size: 1.7rem; line-height: 1.25; margin: 0 0 .4rem; }
h2 { font-size: 1.15rem; margin: 2.4rem 0 .6rem; color: var(--faint); border-bottom: 1px solid var(--line); }
h3 { font-size: 1.12rem; line-height: 1.4; margin: 0 0 .3rem; }
a { color: var(--link); }
.bar { display: flex; flex-wrap: wrap; gap: .5rem; align-items: center; position: sticky; top: 0; background: var(--paper); padding: .6rem 0; z-index: 1; }
.bar input { flex: 1 1 14rem; min-width: 0; }
input, select, button { font: inherit; font-size: 1rem; padding: .4rem .6rem; color: var(--ink); background: var(--sheet); border: 1px solid var(--line); border-radius: .4rem; max-width: 100%; }
article { background: var(--sheet); border: 1px solid var(--line); border-radius: .6rem; padding: 1rem 1.1rem; margin: 0 0 1rem; scroll-margin-top: 4rem; }
.verdict { font-weight: bold; white-space: nowrap; }
.verdict[data-verdict="holds"] { color: var(--yes); } .verdict[data-verdict="holds in part"] { color: var(--part); }
.verdict[data-verdict="does not hold here"] { color: var(--no); } .verdict[data-verdict="cannot be had at this size"], .verdict[data-verdict="none"] { color: var(--none); }
.head { display: flex; flex-wrap: wrap; gap: .2rem 1rem; justify-content: space-between; color: var(--faint); font-size: .92rem; }
p, ul, ol { margin: .4rem 0; } .small { color: var(--faint); font-size: .92rem; overflow-wrap: anywhere; }
ul.rules { list-style: none; padding: 0; } ul.rules li { padding-left: 4.6rem; text-indent: -4.6rem; } ul.rules.open { list-style: disc; padding-left: 1.4rem; } ul.rules.open li { padding-left: 0; text-indent: 0; }
ul.rules b { display: inline-block; width: 4.6rem; text-indent: 0; } ul.rules .yes { color: var(--yes); } ul.rules .no { color: var(--no); } ul.rules .unknown { color: var(--none); }
code { font: .88rem ui-monospace, Menlo, Consolas, monospace; overflow-wrap: anywhere; }
figure { margin: .7rem 0; } figure img { display: block; width: 100%; height: auto; border-radius: .4rem; }
.wide { overflow-x: auto; max-height: 30rem; } table { border-collapse: collapse; font: .82rem ui-monospace, Menlo, Consolas, monospace; }
th, td { padding: .15rem .6rem; text-align: left; border-bottom: 1px solid var(--line); white-space: nowrap; }
summary { cursor: pointer; color: var(--faint); }
nav ol { columns: 17rem; column-gap: 2.4rem; padding-left: 1.6rem; } nav li { break-inside: avoid; padding-left: .2rem; }
[hidden] { display: none !important; }
@media (max-width: 40rem) { figure { overflow-x: auto; } figure img { min-width: 34rem; } body { font-size: 16px; } article { padding: .8rem; border-radius: .4rem; } .bar { position: static; }
  ul.rules li { padding-left: 0; text-indent: 0; } ul.rules b { width: auto; margin-right: .5rem; } }
@media print { .bar, nav { display: none; } article { break-inside: avoid; } }
`;
