import { lazy, Suspense, useEffect, useRef, useState, type ReactNode } from 'react';
import { Link, useLocation } from 'wouter';
import { session } from '../session/session.ts';
import { cx } from '../ui/cx.ts';
import { Bars, Leave, Moon, Screen, Sun } from '../ui/icons.tsx';
import { isWithin, navigation } from './navigation.ts';
import { setTheme, useTheme, type Theme } from './theme.ts';
import styles from './Shell.module.css';

// Phones only, and only when it is opened.
const Drawer = lazy(() => import('./Drawer.tsx'));

/** What stands around every page: navigation at the side, on a phone behind a button. */
export function Shell({ children }: { readonly children: ReactNode }) {
  const [location] = useLocation();
  const [open, setOpen] = useState(false);
  const main = useRef<HTMLElement>(null);
  const first = useRef(true);
  useEffect(() => {
    setOpen(false);
    // After going somewhere the keyboard and the screen reader start at the new page; the first page leaves them alone.
    if (!first.current) {
      main.current?.focus({ preventScroll: true });
      window.scrollTo(0, 0);
    }
    first.current = false;
  }, [location]);
  return (
    <div className={styles.shell}>
      <a className={styles.skip} href="#main">
        Skip to the page
      </a>
      <aside className={styles.side}>
        <Brand />
        <Navigation location={location} />
        <Foot />
      </aside>
      <header className={styles.top}>
        <Brand />
        <button
          type="button"
          className={styles.menu}
          aria-label="Menu"
          aria-haspopup="dialog"
          aria-expanded={open}
          onClick={() => setOpen(true)}
        >
          <Bars />
        </button>
        {open && (
          <Suspense fallback={null}>
            <Drawer onClose={() => setOpen(false)}>
              <Brand />
              <Navigation location={location} />
              <Foot />
            </Drawer>
          </Suspense>
        )}
      </header>
      <main id="main" ref={main} tabIndex={-1} className={styles.main}>
        {children}
      </main>
    </div>
  );
}

const Brand = () => (
  <Link href="/" className={styles.brand}>
    <svg width="22" height="22" viewBox="0 0 32 32" aria-hidden="true">
      <rect width="32" height="32" rx="8" fill="var(--accent)" />
      <g fill="none" stroke="var(--on-accent)" strokeWidth="3" strokeLinecap="round">
        <path d="M6 16h8M14 16c5 0 5-7 12-7M14 16c5 0 5 7 12 7" />
      </g>
    </svg>
    Trunkline
  </Link>
);

function Navigation({ location }: { readonly location: string }) {
  return (
    <nav aria-label="Main" className={styles.navigation}>
      {navigation.map((item) => {
        const active = isWithin(item, location);
        return (
          <Link
            key={item.to}
            href={item.to}
            className={cx(styles.link, active && styles.active)}
            aria-current={active ? 'page' : undefined}
          >
            <item.icon />
            {item.label}
          </Link>
        );
      })}
    </nav>
  );
}

const themes: readonly [Theme, string, ReactNode][] = [
  ['system', 'As the system', <Screen key="system" />],
  ['light', 'Light', <Sun key="light" />],
  ['dark', 'Dark', <Moon key="dark" />],
];

function Foot() {
  const theme = useTheme();
  return (
    <div className={styles.foot}>
      <div className={styles.themes} role="group" aria-label="Colours">
        {themes.map(([one, label, icon]) => (
          <button
            key={one}
            type="button"
            aria-pressed={theme === one}
            aria-label={label}
            title={label}
            onClick={() => setTheme(one)}
          >
            {icon}
          </button>
        ))}
      </div>
      <a className={styles.docs} href="/docs">
        API
      </a>
      <button type="button" className={styles.leave} onClick={() => session.signOut()}>
        <Leave />
        Sign out
      </button>
    </div>
  );
}
