const DARK = `color-scheme:dark;--bg:#12171b;--surface:#1d252b;--text:#eef2f4;--soft:#b3c0c9;--line:#7d8b96;--accent:#86cdec;--on-accent:#08222e;--mine:#1b4255;--red:#ff99a3;--red-bg:#3b171c;--blue:#9dcbff;--blue-bg:#14293f;--head:#000;`;

export default `
:host{color-scheme:light;--bg:#f4f6f7;--surface:#fff;--text:#1a2127;--soft:#4c5963;--line:#7b8892;--accent:#0a5878;--on-accent:#fff;--mine:#d9ebf4;--red:#b00020;--red-bg:#fdecee;--blue:#0b5cab;--blue-bg:#e9f2fc;--head:#22272b;
  accent-color:var(--accent);display:block;block-size:min(44rem,90vh);font:max(1rem,16px)/1.5 system-ui,sans-serif;color:var(--text);overflow-wrap:anywhere;text-align:start}
@media screen{:host([theme=dark]){${DARK}}}
@media screen and (prefers-color-scheme:dark){:host(:not([theme=light])){${DARK}}}
:host([hidden]),[hidden]{display:none!important}
*,::before,::after{box-sizing:border-box}
:focus-visible{outline:3px solid var(--accent);outline-offset:2px}
p,ul,ol,h2,h3{margin-block:0 .6rem}
ul,ol{padding-inline-start:1.5rem}
h2,h3{font-size:1.08rem;line-height:1.3}
a{color:var(--accent)}
.quiet,.note,.state{color:var(--soft)}
.quiet,.note,.state,details,.level{font-size:.9rem}
.hide{position:absolute;inline-size:1px;block-size:1px;overflow:hidden;clip-path:inset(50%);white-space:nowrap}

select,textarea,button,summary{min-inline-size:0;max-inline-size:100%;min-block-size:2.75rem;padding:.5rem .8rem;border:1px solid var(--line);border-radius:.5rem;background:var(--surface);color:var(--text);font:inherit}
button{border-color:var(--accent);color:var(--accent);cursor:pointer}
button,label{font-weight:600}
button:disabled{border:1px dashed var(--line);color:var(--soft);cursor:default}
.main{background:var(--accent);color:var(--on-accent)}

:host([position=bubble]){block-size:auto}
.panel{display:flex;flex-direction:column;block-size:100%;min-block-size:0;background:var(--bg);border:1px solid var(--line);border-radius:.75rem;overflow:hidden}
.panel>*,.top>*{padding-inline:.85rem}
.top{display:contents}
header{display:flex;flex-wrap:wrap;align-items:center;gap:.25rem .6rem;padding-block:.5rem;background:var(--surface)}
header h2{flex:1;margin:0}
header p{flex-basis:100%;margin:0}
.line{padding-block:.45rem;border-block:3px solid var(--red);border-block-start-width:1px;background:var(--red-bg);font-size:.95rem}
.line p,::slotted(p){margin:0!important}
.line a,.card a{color:inherit;font-weight:700}
.pins{border-block-end:1px solid var(--line);flex:none;max-block-size:40%;overflow-y:auto;background:var(--surface)}
.pins .msg{margin-block:.5rem}
.log{position:relative;flex:1 999 20rem;min-block-size:0;overflow-y:auto;padding-block:.25rem 1rem;overscroll-behavior:contain}
.log:focus-visible{outline-offset:-3px}
.note{margin-block:.75rem;text-align:center}

.msg{inline-size:fit-content;max-inline-size:92%;margin-block-start:.75rem;padding:.65rem .85rem;border:1px solid transparent;border-radius:.75rem;background:var(--surface)}
.msg>:last-child,.body>:last-child{margin-block-end:0}
.body>img{display:block;max-inline-size:100%;block-size:auto;margin-block-end:.6rem;border-radius:.4rem}
.mine{margin-inline-start:auto;background:var(--mine);white-space:pre-wrap}
.state{display:block;text-align:end}
.fault{border:2px solid var(--red)}
.buttons{display:flex;flex-wrap:wrap;gap:.5rem;margin-block:.7rem 0}
.buttons button{text-align:start}
.buttons .used{font-weight:700;border-style:solid}
details a{display:block;padding-block:.35rem}
summary{min-block-size:1.75rem;padding:.2rem .4rem;border:0;background:none;cursor:pointer}
.timer{padding:.5rem .8rem;border:1px solid var(--line);border-radius:.5rem}
.clock{font-size:1.6rem;font-weight:700;font-variant-numeric:tabular-nums}
progress,select{inline-size:100%}
.timer label{display:inline-flex;align-items:center;gap:.4rem;margin-inline-end:1rem;min-block-size:2rem}

.card{--tone:var(--blue);inline-size:100%;max-inline-size:100%;border:2px solid var(--tone);border-inline-start-width:.5rem;background:var(--blue-bg)}
.urgent,.emergency{--tone:var(--red);background:var(--red-bg)}
.level{display:block;color:var(--tone)}
.emergency h3{margin:-.65rem -.85rem .6rem;padding:.5rem .85rem;border-radius:.4rem .4rem 0 0;background:var(--head);color:#fff}
.emergency .level{color:#ffb3ba}
.small .body{display:none}
.pins .buttons{align-items:center;gap:0 1rem;margin-block:0 .5rem}
.pins .buttons a{font-size:1.2rem}

.away{flex:0 1 auto;min-block-size:4rem;overflow-y:auto;padding-block:.5rem;background:var(--red-bg);border-block-start:2px solid var(--red)}
.away p{margin:0}
.composer{border-block-start:1px solid var(--line);background:var(--surface);padding-block:.5rem .6rem}
.composer p{margin:0}
.row{display:flex;align-items:flex-end;gap:.5rem;margin-block:.2rem}
.row button{flex:none}
textarea{flex:1;max-block-size:7rem;resize:none;field-sizing:content}
.foot{display:flex;justify-content:space-between;gap:1rem;min-block-size:1.4rem}
.dots::after{content:"";display:inline-block;inline-size:.5em;block-size:.5em;margin-inline-start:.4em;border-radius:50%;background:currentColor;animation:pulse 1s infinite alternate}
@keyframes pulse{from{opacity:.2}}

dialog{inline-size:min(26rem,92vw);max-block-size:92vh;overflow-y:auto;border:2px solid var(--line);border-radius:.75rem;background:var(--surface);color:var(--text)}
dialog::backdrop{background:#0009}
dialog .buttons{flex-direction:column;align-items:stretch}
dialog .check{display:flex;gap:.6rem;align-items:flex-start;margin-block:.8rem}
input[type=checkbox]{inline-size:1.4rem;block-size:1.4rem;flex:none;margin:0}

:host(:not([position=bubble])) .bubble,:host(:not([position=bubble])) .close{display:none}
.bubble{display:flex;flex-direction:column;align-items:flex-end;gap:.5rem;position:fixed;inset-block-end:1rem;inset-inline-end:1rem;z-index:99999;max-inline-size:calc(100vw - 2rem)}
.bubble>button{border-radius:2rem;padding:.75rem 1.25rem;background:var(--accent);color:var(--on-accent);box-shadow:0 2px 10px #0006}
.bubble>a{padding:.7rem 1rem;border:2px solid var(--red);border-radius:.5rem;background:var(--red-bg);color:var(--red);font-weight:700}
:host([position=bubble]) .panel{position:fixed;inset-block-end:1rem;inset-inline-end:1rem;inline-size:min(26rem,calc(100vw - 2rem));block-size:min(44rem,calc(100vh - 2rem));z-index:99999;box-shadow:0 6px 30px #0006}
:host([position=bubble][open]) .bubble,:host([position=bubble]:not([open])) .panel{display:none}

@media (max-width:30em){
  :host([position=bubble]) .panel{inset:0;inline-size:100%;block-size:100vh;block-size:100dvh;border:0;border-radius:0}
  .panel>*,.top>*{padding-inline:.65rem}
  header{padding-block:.2rem}
  header p,.foot .quiet:not([role]){display:none}
  .foot{min-block-size:0}
  .composer{padding-block:.25rem .4rem}
  .line{font-size:.85rem;line-height:1.35}
  .pins{max-block-size:11.5rem}
}
@media (max-height:30em){
  .panel{overflow-y:auto;display:block}
  .top{display:block;position:sticky;inset-block-start:0;z-index:1;max-block-size:max(55vh,13rem);overflow-y:auto}
  .line strong,.composer label{display:none}
  .pins{max-block-size:none}
  .log{overflow:visible}
}
@media (min-height:20em) and (max-height:30em){.composer{position:sticky;inset-block-end:0}}
@media (prefers-reduced-motion:reduce){*,::before,::after{animation:none!important}}
@media (forced-colors:active){
  .level,.emergency .level,.emergency h3{color:CanvasText;background:Canvas}
  .msg{border-color:CanvasText}
  .mine{border-style:dashed}
  .fault,.urgent{border-width:3px}
  .emergency{border-width:5px}
}
@media print{
  :host([position=bubble]) .panel,.panel{position:static;display:block;block-size:auto!important;overflow:visible;border:0;box-shadow:none}
  .log,.pins{overflow:visible;max-block-size:none}
  .composer,.away,button,.buttons,.timer,.bubble,.row,[download]{display:none!important}
  .small .body{display:block}
  .card,img{break-inside:avoid}
  .msg>.hide{position:static;clip-path:none;font-weight:700}
  .emergency h3,.emergency .level{color:inherit;background:none}
}
`;
