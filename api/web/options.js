// The controls of the edit popup, built from the options that the API lists: a new option appears by itself.

import { fill, h } from "/assets/dom.js";

const NAMES = { auto: "Auto", logo: "Logo", "line-art": "Line art", illustration: "Illustration", photo: "Photo", "pixel-art": "Pixel art", cut: "Cutter" };
const LABELS = {
  colors: ["Colors"], detail: ["Detail", "Coarse", "Everything"], smoothness: ["Smoothness", "Exact", "Flowing"],
  corners: ["Corners", "Round", "Sharp"], stacking: ["Shapes"], background: ["Background"], gradients: ["Smooth gradients"],
  palette: ["Only these colors"], minimum_area: ["Smallest shape"], precision: ["Decimals"], group_by: ["Groups"], dpi: ["Pixels per inch"],
};
const CHOICES = { stacked: "Stacked", cutout: "Cut out", auto: "Automatic", none: "As drawn", color: "One a color" };
const SIZE = ["width", "height", "unit"];
const FIRST = ["colors", "detail", "smoothness", "background", "stacking"];

/** Controls for what `editor` lists, holding `chosen`; `changed` is called with every change. */
export function makeOptions(editor, chosen, changed) {
  // The preset stays `auto`, which draws as is suggested and shares the traces of all who leave it at that.
  const values = { ...Object.fromEntries(editor.options.map((one) => [one.name, one.default])), ...chosen };
  const set = (name, value) => { values[name] = value; changed(); };
  const field = (name) => editor.options.find((one) => one.name === name);
  const control = (one) => (CONTROLS[one.name] ?? CONTROLS[one.type] ?? (() => null))(one, values, set);
  const rest = editor.options.filter((one) => ![...FIRST, ...SIZE, "preset"].includes(one.name));
  const element = h("form", { class: "controls", onsubmit: (event) => event.preventDefault() },
    presets(editor.presets, values, set),
    ...FIRST.map(field).filter(Boolean).map(control),
    SIZE.every(field) && size(values, set),
    rest.length > 0 && h("details", {}, h("summary", {}, "More settings"), h("div", { class: "controls" }, rest.map(control))));
  return {
    element,
    /** What to send: only what differs from the defaults, so that equal wishes are one request. */
    options: () => Object.fromEntries(editor.options.filter((one) => String(values[one.name]) !== String(one.default)).map((one) => [one.name, values[one.name]])),
    /** Whether a job's options are those chosen now. */
    same: (other) => editor.options.every((one) => String(values[one.name]) === String(other[one.name] ?? one.default)),
  };
}

function presets(offered, values, set) {
  const hint = h("p", { class: "hint preset-hint", id: "preset-hint" });
  const describe = () => fill(hint, offered.find((one) => one.preset === values.preset)?.description ?? "");
  describe();
  return h("fieldset", { "aria-describedby": "preset-hint" }, h("legend", {}, "What kind of picture is it?"),
    h("div", { class: "presets" }, offered.map((one) => h("label", { class: "preset" },
      h("input", { type: "radio", name: "preset", value: one.preset, checked: one.preset === values.preset, onchange: () => { set("preset", one.preset); describe(); } }),
      h("img", { src: `/assets/preset-${one.preset}.svg`, alt: "", width: 96, height: 64, loading: "lazy" }),
      h("span", {}, NAMES[one.preset] ?? one.preset)))),
    hint);
}

function labelOf(one) {
  return LABELS[one.name]?.[0] ?? one.name.replaceAll("_", " ").replace(/^./, (letter) => letter.toUpperCase());
}

/** The sentence of an option without the marks of Markdown. */
const sentence = (one) => one.description.replaceAll("`", "");

function slider(one, values, set) {
  const id = `option-${one.name}`;
  const output = h("output", { for: id }, String(values[one.name]));
  const [, low, high] = LABELS[one.name] ?? [];
  return h("div", { class: "field" },
    h("div", { class: "control-head" }, h("label", { for: id }, labelOf(one)), output),
    h("input", { id, type: "range", min: String(one.minimum), max: String(one.maximum), value: String(values[one.name]), title: sentence(one), oninput: (event) => { output.value = event.target.value; set(one.name, Number(event.target.value)); } }),
    low && h("div", { class: "ends", "aria-hidden": "true" }, h("span", {}, low), h("span", {}, high)));
}

function number(one, values, set) {
  if (one.type === "integer" && one.maximum <= 100) return slider(one, values, set);
  const id = `option-${one.name}`;
  return h("div", { class: "field" }, h("label", { for: id }, labelOf(one)),
    h("input", { id, type: "number", min: String(one.minimum), max: String(one.maximum), value: String(values[one.name]), "aria-describedby": `${id}-hint`, onchange: (event) => set(one.name, Number(event.target.value)) }),
    h("small", { id: `${id}-hint` }, sentence(one)));
}

function colors(one, values, set) {
  const id = "option-colors";
  const says = (value) => (value < 2 ? "automatic" : String(value));
  const output = h("output", { for: id }, says(values.colors));
  // 0 chooses by itself and 1 would be an empty page, so the slider's first step stands for automatic.
  return h("div", { class: "field" },
    h("div", { class: "control-head" }, h("label", { for: id }, "Colors"), output),
    h("input", { id, type: "range", min: "1", max: String(one.maximum), value: String(Math.max(1, values.colors)), title: sentence(one), "aria-valuetext": says(values.colors),
      oninput: (event) => { const value = Number(event.target.value); set("colors", value < 2 ? 0 : value); output.value = says(value); event.target.setAttribute("aria-valuetext", says(value)); } }),
    h("div", { class: "ends", "aria-hidden": "true" }, h("span", {}, "Automatic"), h("span", {}, String(one.maximum))));
}

function segments(name, label, choices, value, set) {
  return h("fieldset", { class: "field" }, h("legend", {}, label),
    h("div", { class: "segments" }, choices.map(([key, text]) => h("label", {},
      h("input", { type: "radio", name, value: key, checked: key === value, onchange: () => set(key) }), text))));
}

function choice(one, values, set) {
  return segments(one.name, labelOf(one), one.choices.map((key) => [key, CHOICES[key] ?? key]), values[one.name], (key) => set(one.name, key));
}

function background(one, values, set) {
  const isColor = values.background.startsWith("#");
  const color = h("input", { type: "color", value: isColor ? values.background : "#ffffff", "aria-label": "Background color", oninput: (event) => set("background", event.target.value) });
  const swatch = h("div", { class: "swatch", hidden: !isColor }, color, h("span", { class: "hint" }, "The color behind the shapes"));
  return h("div", { class: "field" },
    segments("background", "Background", [["keep", "Keep"], ["remove", "Remove"], ["color", "Color"]], isColor ? "color" : values.background, (key) => {
      swatch.hidden = key !== "color";
      set("background", key === "color" ? color.value : key);
    }), swatch);
}

function palette(one, values, set) {
  const id = "option-palette";
  const field = h("input", { id, type: "text", value: values.palette.join(" "), placeholder: "#0b6b62 #ffd9a0", "aria-describedby": `${id}-hint`,
    onchange: () => set("palette", field.value.split(/[\s,;]+/).filter(Boolean)) });
  return h("div", { class: "field" }, h("label", { for: id }, labelOf(one)), field, h("small", { id: `${id}-hint` }, sentence(one)));
}

function check(one, values, set) {
  return h("label", { class: "check", title: sentence(one) },
    h("input", { type: "checkbox", checked: values[one.name], onchange: (event) => set(one.name, event.target.checked) }), labelOf(one));
}

function size(values, set) {
  const side = (name, text) => h("div", { class: "field" }, h("label", { for: `option-${name}` }, text),
    h("input", { id: `option-${name}`, type: "number", min: "0", step: "any", inputmode: "decimal", placeholder: "auto", value: values[name] ? String(values[name]) : "", onchange: (event) => set(name, Number(event.target.value) || 0) }));
  return h("div", { class: "size" }, side("width", "Width"), side("height", "Height"),
    h("div", { class: "field" }, h("label", { for: "option-unit" }, "Unit"),
      h("select", { id: "option-unit", onchange: (event) => set("unit", event.target.value) },
        ["px", "mm", "in"].map((unit) => h("option", { value: unit, selected: unit === values.unit }, unit)))));
}

const CONTROLS = { colors, background, palette, size, integer: number, number, boolean: check, choice };
// The option `colors` is a number; an option of the type colors is a list of them.
CONTROLS.palette = palette;
