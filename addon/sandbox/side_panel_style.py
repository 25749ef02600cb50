"""The style of the page with the side panel: as Gmail's, light and 300 pixels wide."""

STYLE = """
:root { color-scheme: light; --ink: #1f1f1f; --soft: #575b5f; --line: #dde1e6; --blue: #0b57d0 }
* { box-sizing: border-box }
body { margin: 0; font: 14px/20px system-ui, sans-serif; color: var(--ink); background: #f6f8fc }
body > header { padding: 12px 20px; display: flex; flex-wrap: wrap; gap: 8px 24px;
  align-items: center }
body > header h1 { font-size: 18px; margin: 0; font-weight: 500 }
nav { display: flex; flex-wrap: wrap; gap: 4px 12px; align-items: center }
nav a, nav button { color: var(--blue); background: none; border: 0; padding: 4px 0; font: inherit;
  cursor: pointer; text-decoration: none }
nav [aria-current] { color: var(--ink); font-weight: 600 }
nav a:hover, nav button:hover { text-decoration: underline }
form { margin: 0 }
.window { display: flex; gap: 12px; padding: 0 20px 20px; align-items: flex-start }
.mail { flex: 1; min-width: 0; background: #fff; border-radius: 16px; padding: 8px 0;
  height: calc(100vh - 110px); min-height: 480px; overflow: hidden }
.mail div { display: flex; gap: 16px; padding: 13px 20px; border-bottom: 1px solid #f1f3f4 }
.mail i { height: 12px; border-radius: 6px; background: #e9edf2 }
.panel { width: 300px; max-width: 100%; flex: none; background: #fff; border-radius: 16px;
  height: calc(100vh - 110px); min-height: 480px;
  display: flex; flex-direction: column; overflow: hidden }
.card-header { padding: 14px 16px 10px; border-bottom: 1px solid var(--line);
  border-top: 4px solid #1a5f4a }
.card-header h2 { font-size: 16px; line-height: 22px; font-weight: 500; margin: 0 }
.card-header p { margin: 0; color: var(--soft); font-size: 12px; line-height: 16px }
.sections { flex: 1; overflow-y: auto }
section { padding: 8px 16px 12px; border-bottom: 1px solid var(--line) }
section:last-child { border-bottom: 0 }
section h3 { font-size: 13px; font-weight: 600; margin: 6px 0 }
section p { margin: 6px 0 }
.decorated { display: flex; gap: 12px; padding: 6px 0; color: inherit; text-decoration: none }
a.decorated:hover { background: #f1f3f4 }
.texts { display: flex; flex-direction: column; min-width: 0; overflow-wrap: anywhere }
.below { color: var(--soft); font-size: 12px; line-height: 16px }
.icon { flex: none; width: 20px; height: 20px; border-radius: 50%; color: #fff;
  background: #5f6368; font: bold 13px/20px system-ui, sans-serif; text-align: center }
.check_circle { background: #17603a }
.warning { background: #8a5a00 }
.error { background: #b3261e }
.buttons { display: flex; flex-wrap: wrap; gap: 8px; padding: 6px 0 }
.button { display: inline-block; border: 1px solid #747775; border-radius: 18px;
  background: #fff; color: var(--blue); font: 500 14px/20px system-ui, sans-serif;
  padding: 6px 14px; cursor: pointer; text-decoration: none; text-align: left }
.button:hover { background: #f0f4fb }
.button.filled { background: var(--blue); color: #fff; border-color: var(--blue) }
.button.filled:hover { background: #0842a0 }
.fixed { display: flex; justify-content: flex-end; gap: 8px; padding: 12px 16px;
  border-top: 1px solid var(--line) }
.told { margin: 0 12px 12px; padding: 12px 14px; border-radius: 6px; background: #323232;
  color: #fff }
.nothing { padding: 24px 16px; color: var(--soft) }
:focus-visible { outline: 2px solid var(--blue); outline-offset: 2px }
@media (max-width: 560px) {
  .mail { display: none }
  .window { justify-content: center; padding: 0 10px 20px }
}
"""
