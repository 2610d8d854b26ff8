// Uploading before signing in. A guest is known by a cookie that no script can read; what is theirs moves on sign-in.

import { post } from "/assets/api.js";

const KEPT = "guest-pictures";
const TRIES = 10;
const PAUSE_MS = 1000;

/** Become a guest, or stay the one this browser is. */
export const beGuest = () => post("/v1/guests");

/** Move what was uploaded as a guest to the account that has signed in now. */
export async function claimPictures() {
  const waiting = read();
  localStorage.removeItem(KEPT);
  for (const imageId of waiting) await claim(imageId);
}

claimPictures.remember = (imageId) => localStorage.setItem(KEPT, JSON.stringify([...read(), imageId]));

async function claim(imageId) {
  for (let tries = 1; ; tries += 1) {
    try {
      return await post(`/v1/images/${imageId}/claim`);
    } catch (problem) {
      if (["not-found", "image-expired"].includes(problem.slug)) return null; // deleted, or its time was over
      if (problem.slug !== "image-not-ready" || tries >= TRIES) throw problem;
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    }
  }
}

function read() {
  try {
    return JSON.parse(localStorage.getItem(KEPT)) ?? [];
  } catch {
    return [];
  }
}
