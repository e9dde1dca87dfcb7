/** @file Light or dark: the system's choice until the button is pressed, then the user's. */
import { button } from './elements.ts';

type Theme = 'light' | 'dark';

const systemDark = matchMedia('(prefers-color-scheme: dark)');

function current(): Theme {
  const chosen = document.documentElement.dataset['theme'];
  if (chosen === 'light' || chosen === 'dark') return chosen;
  return systemDark.matches ? 'dark' : 'light';
}

export function setUpTheme(): void {
  const toggle = button('theme');
  const describe = (): void => {
    const other = current() === 'dark' ? 'light' : 'dark';
    toggle.textContent = other === 'dark' ? '☾' : '☼';
    toggle.setAttribute('aria-label', `Switch to ${other} colours`);
    toggle.title = `Switch to ${other} colours`;
  };
  toggle.addEventListener('click', () => {
    const theme = current() === 'dark' ? 'light' : 'dark';
    document.documentElement.dataset['theme'] = theme;
    try {
      localStorage.setItem('theme', theme);
    } catch {
      // Storage can be switched off: the choice then lasts as long as the page.
    }
    describe();
  });
  systemDark.addEventListener('change', describe);
  describe();
}
