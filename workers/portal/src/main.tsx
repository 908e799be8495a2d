import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import './styles/tokens.css';
import './styles/base.css';
import { App } from './app/App.tsx';
import { applyTheme } from './app/theme.ts';

applyTheme();
const root = document.getElementById('app');
if (root === null) throw new Error('Cannot start: the page has no #app');
createRoot(root).render(
  <StrictMode>
    <App />
  </StrictMode>,
);
