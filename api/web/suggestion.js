// What a look at the picture told, in words, before anything is paid.

import { h } from "/assets/dom.js";

const KINDS = {
  "logo": "a logo", "line-art": "line art", "illustration": "an illustration", "gradient-art": "art with soft shades",
  "pixel-art": "pixel art", "photo": "a photo",
};
const GROUNDS = { "transparent": "no background", "#ffffff": "a white background", "#000000": "a black background" };

/** One sentence on what the picture is, and each warning. */
export function suggestionOf(told) {
  const facts = [
    told.colors && `${told.colors} flat ${told.colors === 1 ? "color" : "colors"}`,
    told.background && (GROUNDS[told.background] ?? `a background of ${told.background}`),
    told.noise === "compression" && "traces of a JPEG",
  ].filter(Boolean);
  const listed = new Intl.ListFormat("en-GB").format(facts);
  const kind = told.noise === "texture" ? "fine texture" : KINDS[told.content_class] ?? "a picture";
  const sentence = `This looks like ${kind}${listed && ` with ${listed}`}. Auto draws it as such.`;
  return [h("p", { class: "quiet" }, sentence), ...told.warnings.map((warning) => h("p", { class: "callout warm" }, warning.message))];
}
