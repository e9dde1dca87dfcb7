// Loaded before the first paint, so that a chosen theme does not flash the other one. A file, since the page runs no
// scripts that stand in its markup.
try {
  const theme = localStorage.getItem('theme');
  if (theme) document.documentElement.dataset.theme = theme;
} catch {
  // Storage can be switched off: the system's preference stands.
}
