import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import './styles/tokens.css';
import './styles/base.css';
import { App } from './app/App.tsx';
import { applyTheme } from './app/theme.ts';

applyTheme();

// A new version was deployed while this page was open: its pieces are gone, so the whole page is loaded anew. Once in a
// while only, so that a piece that is really broken is shown as what it is.
const reloadedAt = 'trunkline.reloaded';
const patienceMs = 60_000;
addEventListener('vite:preloadError', (event) => {
  if (Date.now() - Number(sessionStorage.getItem(reloadedAt) ?? 0) < patienceMs) return;
  sessionStorage.setItem(reloadedAt, String(Date.now()));
  event.preventDefault();
  location.reload();
});

const root = document.getElementById('app');
if (root === null) throw new Error('Cannot start: the page has no #app');
createRoot(root).render(
  <StrictMode>
    <App />
  </StrictMode>,
);
