// Reloads the page when the book was built anew; says so when it could not be.
(() => {
  "use strict";
  let shown;
  let notice;
  let events;

  const listen = () => {
    events = new EventSource("/_wirelab/events");
    events.onmessage = (message) => {
      const edition = JSON.parse(message.data);
      shown ??= edition.number;
      if (edition.number !== shown) {
        location.reload();
        return;
      }
      notice?.remove();
      if (edition.trouble) {
        notice = document.createElement("pre");
        notice.setAttribute("role", "alert");
        notice.style.cssText =
          "position:fixed;inset:auto 0 0 0;margin:0;padding:1em;max-height:50vh;overflow:auto;" +
          "z-index:1000;white-space:pre-wrap;background:#5c0d0d;color:#fff;font:14px monospace";
        notice.textContent = edition.trouble;
        document.body.append(notice);
      }
    };
  };

  listen();
  // A stream left open keeps the page out of the browser's back-forward cache.
  addEventListener("pagehide", () => events.close());
  addEventListener("pageshow", (event) => {
    if (event.persisted) listen();
  });
})();
