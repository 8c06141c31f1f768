// A service worker that adds to what a plain host sends: the headers without which browsers allow no threads, and the
// page's policy, which its own workers would not have from a host either: nothing is asked of anybody else.
const HEADERS = {
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Embedder-Policy": "require-corp",
  "Content-Security-Policy": "connect-src 'self'; worker-src 'self' blob:; form-action 'none'",
};

self.addEventListener("install", () => self.skipWaiting());
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));
self.addEventListener("fetch", (event) => {
  if (new URL(event.request.url).origin === location.origin) event.respondWith(fetched(event.request));
});

async function fetched(request) {
  const response = await fetch(request);
  if (response.status === 0) return response; // of somebody else's: not to be read
  const headers = new Headers(response.headers);
  for (const [name, value] of Object.entries(HEADERS)) headers.set(name, value);
  const empty = [204, 205, 304].includes(response.status);
  return new Response(empty ? null : response.body, { status: response.status, statusText: response.statusText, headers });
}
