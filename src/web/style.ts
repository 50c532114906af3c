/**
 * The one style sheet of the pages, inline and named by its hash in the Content-Security-Policy.
 */
import { hash } from 'node:crypto';

export const STYLE = `
:root { color-scheme: light dark; --line: #d9dde3; --card: #fff; --page: #f4f5f7; --ink: #1d232b; --soft: #5d6874; --link: #0b5cad;
  --critical: #d22d3a; --high: #e0701a; --warning: #d9a400; --info: #3a7bd5; --none: #8b96a3; --done: #2e9e5b; }
@media (prefers-color-scheme: dark) { :root { --line: #323942; --card: #1c2128; --page: #13171c; --ink: #e6e9ed; --soft: #97a3b0; --link: #7db8f5; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--ink); font: 16px/1.5 system-ui, sans-serif; overflow-wrap: anywhere; }
main, header { max-width: 60rem; margin: 0 auto; padding: 0 1rem; }
header { display: flex; flex-wrap: wrap; gap: .25rem 1.25rem; align-items: baseline; padding-top: 1rem; }
header b { font-size: 1.35rem; letter-spacing: -.01em; } header b a { color: inherit; }
h1 { font-size: 1.25rem; margin: 1.25rem 0 .5rem; }
h2 { font-size: 1rem; margin: 1.75rem 0 .5rem; color: var(--soft); font-weight: 600; }
a { color: var(--link); text-decoration: none; } a:hover { text-decoration: underline; }
.soft, header span, time { color: var(--soft); font-size: .875rem; }
article { background: var(--card); border: 1px solid var(--line); border-left: 5px solid var(--none); border-radius: 8px; padding: .75rem 1rem; margin: .6rem 0; }
article.critical { border-left-color: var(--critical); } article.high { border-left-color: var(--high); }
article.warning { border-left-color: var(--warning); } article.info { border-left-color: var(--info); }
article.untold { border-left-color: var(--none); border-left-style: dashed; }
details { margin: .4rem 0; } summary { color: var(--link); cursor: pointer; font-size: .875rem; }
article.resolved { border-left-color: var(--done); }
article p { margin: 0; white-space: pre-wrap; } article b { font-weight: 600; } article p a { display: inline-block; }
article footer { margin-top: .4rem; display: flex; flex-wrap: wrap; gap: .1rem 1rem; font-size: .875rem; color: var(--soft); }
.quiet { color: var(--soft); padding: .9rem 1rem; border: 1px dashed var(--line); border-radius: 8px; }
.notice { border: 1px solid var(--warning); border-radius: 8px; padding: .6rem 1rem; margin-top: 1rem; background: var(--card); } pre { overflow-x: auto; font: .8em/1.4 ui-monospace, monospace; margin: .5rem 0 0; }
ol, ul { list-style: none; margin: 0; padding: 0; }
li { display: grid; grid-template-columns: 9.5rem 1fr; gap: 0 .75rem; padding: .35rem 0; border-top: 1px solid var(--line); }
li:first-child { border-top: 0; } .steps li { grid-template-columns: 4.25rem 1fr; }
.how { padding-left: 1rem; } .how li { display: list-item; list-style: disc; border: 0; padding: .15rem 0; }
code { font: .875em ui-monospace, monospace; background: var(--card); border: 1px solid var(--line); border-radius: 4px; padding: .05rem .3rem; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .15rem 1rem; margin: 0; font-size: .9rem; }
dt { color: var(--soft); } dd { margin: 0; }
form { display: flex; flex-wrap: wrap; gap: .6rem; align-items: center; margin: .8rem 0; } form.aside { margin-top: 2rem; }
footer.page { max-width: 60rem; margin: 2rem auto 0; padding: .75rem 1rem 1.5rem; color: var(--soft); font-size: .875rem; }
form.search { margin: 0 0 0 auto; flex: 0 1 24rem; } form.search input { width: 100%; font-size: .875rem; min-width: 0; }
input { font: inherit; color: inherit; background: var(--card); border: 1px solid var(--line); border-radius: 6px; padding: .4rem .6rem; min-width: min(20rem, 100%); }
button { font: inherit; color: var(--ink); background: var(--card); border: 1px solid var(--line); border-radius: 6px; padding: .4rem .9rem; cursor: pointer; }
@media (max-width: 36rem) { ul > li { grid-template-columns: 1fr; gap: 0; } dl { grid-template-columns: 1fr; } dd { margin-bottom: .3rem; } }
`;

export const STYLE_HASH = `sha256-${hash('sha256', STYLE, 'base64')}`;
