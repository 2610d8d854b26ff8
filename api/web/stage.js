// The picture before and after: a slider between them, zoom by wheel, pinch, keys and buttons, and moving by drag.
//
// Zoom sets the size of the images instead of scaling them, so that an SVG is drawn anew and its edges stay sharp.

import { h } from "/assets/dom.js";

const MOST_ZOOM = 40;
const LONGEST_SIDE_PX = 60000;
const STEP = 1.5;
const CLOSE = 2; // from here on a pixel of the source is shown as a square

export function makeStage() {
  const before = h("img", { alt: "Before: your picture", draggable: false });
  const after = h("img", { alt: "After: the drawing", draggable: false });
  const beforeBox = h("div", { class: "picture" }, before);
  const afterBox = h("div", { class: "picture" }, after);
  const beforeLayer = h("div", { class: "layer" }, beforeBox);
  const afterLayer = h("div", { class: "layer" }, afterBox);
  const divider = h("div", { class: "divider", "aria-hidden": "true" });
  const tags = [h("span", { class: "tag left" }, "Before"), h("span", { class: "tag right" }, "After")];
  const view = h("div", { class: "view", tabindex: "0", role: "group", "aria-label": "Picture. Arrow keys move it, plus and minus zoom, 0 fits it in." },
    beforeLayer, afterLayer, divider, ...tags);
  const slider = h("input", { type: "range", min: "0", max: "100", value: "50", step: "1", "aria-label": "How much of the picture before is shown" });
  const compare = h("div", { class: "compare" }, h("span", {}, "Before"), slider, h("span", {}, "After"));
  const level = h("output", { "aria-label": "Zoom" });
  const button = (label, text, act) => h("button", { class: "button icon bare", type: "button", "aria-label": label, title: label, onclick: act }, text);
  const zoom = h("div", { class: "zoom" }, button("Zoom out", "−", () => zoomBy(1 / STEP)), level, button("Zoom in", "+", () => zoomBy(STEP)), button("Fit the picture in", "⤢", () => fit()));
  const element = h("div", { class: "stage" }, view, h("div", { class: "tools" }, compare, zoom));

  let size = { width: 1, height: 1 };
  let at = { scale: 1, x: 0, y: 0 };
  let fitted = true;

  const least = () => Math.min(view.clientWidth / size.width, view.clientHeight / size.height) * 0.92 || 1;
  const most = () => Math.max(least(), Math.min(MOST_ZOOM, LONGEST_SIDE_PX / Math.max(size.width, size.height)));

  function draw() {
    for (const box of [beforeBox, afterBox]) {
      box.style.left = `${at.x}px`;
      box.style.top = `${at.y}px`;
      box.style.width = `${size.width * at.scale}px`;
      box.style.height = `${size.height * at.scale}px`;
    }
    beforeBox.classList.toggle("close", at.scale >= CLOSE);
    const shows = Boolean(after.getAttribute("src"));
    const edge = (view.clientWidth * slider.value) / 100;
    for (const part of [afterLayer, divider, compare, ...tags]) part.hidden = !shows;
    beforeLayer.style.clipPath = shows ? `inset(0 ${view.clientWidth - edge}px 0 0)` : "";
    afterLayer.style.clipPath = `inset(0 0 0 ${edge}px)`;
    divider.style.left = `${edge}px`;
    level.value = `${Math.round(at.scale * 100)} %`;
  }

  function fit() {
    const scale = Math.min(least(), 8);
    at = { scale, x: (view.clientWidth - size.width * scale) / 2, y: (view.clientHeight - size.height * scale) / 2 };
    fitted = true;
    draw();
  }

  /** Zoom so that what is under a point of the view stays under it. */
  function zoomBy(factor, x = view.clientWidth / 2, y = view.clientHeight / 2) {
    const scale = Math.min(most(), Math.max(Math.min(least(), 1), at.scale * factor));
    const ratio = scale / at.scale;
    at = { scale, x: x - (x - at.x) * ratio, y: y - (y - at.y) * ratio };
    fitted = false;
    move(0, 0);
  }

  /** Move the picture; a part of it always stays in view. */
  function move(dx, dy) {
    const kept = 48;
    const bound = (value, span, room) => Math.min(room - kept, Math.max(kept - span, value));
    at.x = bound(at.x + dx, size.width * at.scale, view.clientWidth);
    at.y = bound(at.y + dy, size.height * at.scale, view.clientHeight);
    if (dx || dy) fitted = false;
    draw();
  }

  follow(view, {
    near: (x) => !divider.hidden && Math.abs(x - (view.clientWidth * slider.value) / 100) < 22,
    slide: (x) => { slider.value = (x / view.clientWidth) * 100; draw(); },
    move, zoomBy,
  });
  view.addEventListener("wheel", (event) => { event.preventDefault(); zoomBy(Math.exp(-event.deltaY / 400), event.offsetX, event.offsetY); }, { passive: false });
  view.addEventListener("dblclick", (event) => (at.scale > least() * 1.05 ? fit() : zoomBy(4, event.offsetX, event.offsetY)));
  view.addEventListener("keydown", (event) => {
    const keys = { ArrowLeft: [40, 0], ArrowRight: [-40, 0], ArrowUp: [0, 40], ArrowDown: [0, -40] };
    if (keys[event.key]) move(...keys[event.key]);
    else if (event.key === "+" || event.key === "=") zoomBy(STEP);
    else if (event.key === "-") zoomBy(1 / STEP);
    else if (event.key === "0") fit();
    else return;
    event.preventDefault();
  });
  slider.addEventListener("input", draw);
  new ResizeObserver(() => (fitted ? fit() : move(0, 0))).observe(view);

  return {
    element,
    /** Show the picture of so many pixels; nothing is compared yet. */
    showBefore(address, width, height) {
      before.src = address;
      after.removeAttribute("src");
      size = { width, height };
      fit();
    },
    /** Show the drawing beside it, or nothing. */
    async showAfter(address) {
      if (!address) after.removeAttribute("src");
      else {
        after.src = address;
        await after.decode().catch(() => undefined);
      }
      draw();
    },
  };
}

/** Fingers and mouse: one drags the divider or the picture, two pinch. */
function follow(view, { near, slide, move, zoomBy }) {
  const down = new Map();
  let sliding = false;
  const place = (event) => {
    const box = view.getBoundingClientRect();
    return { x: event.clientX - box.left, y: event.clientY - box.top };
  };
  view.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    const point = place(event);
    sliding = down.size === 0 && near(point.x);
    down.set(event.pointerId, point);
    view.setPointerCapture(event.pointerId);
    view.classList.toggle("panning", !sliding);
  });
  view.addEventListener("pointermove", (event) => {
    const last = down.get(event.pointerId);
    if (!last) return;
    const point = place(event);
    const other = [...down].find(([id]) => id !== event.pointerId)?.[1];
    down.set(event.pointerId, point);
    if (other) {
      const apart = (one) => Math.hypot(one.x - other.x, one.y - other.y) || 1;
      zoomBy(apart(point) / apart(last), (point.x + other.x) / 2, (point.y + other.y) / 2);
    } else if (sliding) slide(point.x);
    else move(point.x - last.x, point.y - last.y);
  });
  for (const end of ["pointerup", "pointercancel"]) {
    view.addEventListener(end, (event) => {
      down.delete(event.pointerId);
      view.classList.remove("panning");
    });
  }
}
