// The review desk: arrow keys in the queue, the picture without loading the page again.
"use strict";

const queue = document.querySelector("[data-queue]");
if (queue) {
  const links = [...queue.querySelectorAll("a")];
  const current = links.findIndex((link) => link.getAttribute("aria-current") === "true");
  document.addEventListener("keydown", (event) => {
    if (event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) return;
    if (event.key !== "ArrowDown" && event.key !== "ArrowUp") return;
    // Arrow keys belong to fields and to whatever scrolls.
    const inQueue = queue.contains(document.activeElement);
    if (!inQueue && document.activeElement !== document.body) return;
    event.preventDefault();
    const at = inQueue ? links.indexOf(document.activeElement) : current;
    const next = links[Math.min(links.length - 1, Math.max(0, at + (event.key === "ArrowDown" ? 1 : -1)))];
    next?.focus();
  });
  links[current]?.scrollIntoView({ block: "nearest" });
}

const viewer = document.querySelector("[data-viewer]");
if (viewer) {
  const zooms = [100, 150, 200, 300];
  const stage = viewer.querySelector("[data-stage]");
  const percent = viewer.querySelector("[data-percent]");
  const number = (prefix) => Number([...stage.classList].find((c) => c.startsWith(prefix))?.slice(prefix.length) ?? 0);
  const set = (prefix, value) => {
    for (const name of [...stage.classList]) if (name.startsWith(prefix)) stage.classList.remove(name);
    stage.classList.add(prefix + value);
  };
  viewer.addEventListener("click", (event) => {
    const zoom = event.target.closest("[data-zoom]");
    const rotate = event.target.closest("[data-rotate]");
    if (!zoom && !rotate) return;
    event.preventDefault();
    if (zoom) {
      const step = zooms.indexOf(number("zoom-")) + (zoom.dataset.zoom === "in" ? 1 : -1);
      const value = zooms[Math.min(zooms.length - 1, Math.max(0, step))];
      set("zoom-", value);
      percent.textContent = `${value}%`;
    } else {
      set("rotate-", (number("rotate-") + 90) % 360);
    }
  });
}
