// Shows the page it is sent. Runs in a frame without an origin; what is parsed like this never runs as a script.
addEventListener('message', ({ data, source }) => {
  if (source !== parent || typeof data?.html !== 'string') return;
  const page = new DOMParser().parseFromString(data.html, 'text/html');
  document.documentElement.replaceWith(document.adoptNode(page.documentElement));
});
