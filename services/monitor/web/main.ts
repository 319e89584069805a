import { render } from 'preact';
import { App } from './app.ts';
import { html } from './html.ts';
import { applyTheme } from './theme.ts';

applyTheme();
const place = document.getElementById('page');
if (place !== null) {
  place.replaceChildren();
  render(html`<${App} />`, place);
}
