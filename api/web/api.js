// The way to the API. Every failure leaves as a Problem with the slug that the API gave it, or one of ours.

import { token } from "/assets/signin.js";

const MOST_TRIES = 3;
const LONGEST_PAUSE_SECONDS = 8;

/** A request that failed: `slug`, `detail` and what else the problem body held. */
export class Problem extends Error {
  constructor(body) {
    super(body.detail ?? body.title ?? body.slug);
    Object.assign(this, body);
  }
}

export const get = (path) => ask("GET", path);
export const remove = (path) => ask("DELETE", path);
export const put = (path, body) => ask("PUT", path, body);

/** POST. The key makes it safe to repeat when an answer was lost: the first answer is given again. */
export const post = (path, body = {}) => ask("POST", path, body, crypto.randomUUID());

async function ask(method, path, body, key) {
  for (let tries = 1; ; tries += 1) {
    try {
      return await once(method, path, body, key);
    } catch (problem) {
      // Only what may be repeated without harm: reads, and what carries a key.
      const pause = problem.retryAfter ?? tries;
      const again = (([0, 429, 503].includes(problem.status) && (method === "GET" || key)) || (problem.status === 409 && method === "GET" && problem.retryAfter)) && pause <= LONGEST_PAUSE_SECONDS;
      if (!again || tries >= MOST_TRIES) throw problem;
      await new Promise((resolve) => setTimeout(resolve, pause * 1000));
    }
  }
}

async function once(method, path, body, key) {
  const headers = { Accept: "application/json", ...(await credentials()) };
  if (body !== undefined) headers["Content-Type"] = "application/json";
  if (key) headers["Idempotency-Key"] = key;
  let response;
  try {
    response = await fetch(path, { method, headers, body: body === undefined ? undefined : JSON.stringify(body) });
  } catch {
    throw new Problem({ slug: "offline", status: 0 });
  }
  if (response.ok) return response.status === 204 ? null : response.json();
  throw await problemOf(response.status, await response.text(), response.headers.get("Retry-After"));
}

async function credentials() {
  const session = await token();
  return session ? { Authorization: `Bearer ${session}` } : {};
}

function problemOf(status, text, retryAfter) {
  let body;
  try {
    body = JSON.parse(text);
  } catch {
    body = { slug: status === 413 ? "upload-too-large" : "internal-error" };
  }
  return new Problem({ ...body, status, retryAfter: retryAfter ? Number(retryAfter) : undefined });
}

/** Upload a file, telling how much of it (0 to 1) is on its way: fetch cannot tell that, XMLHttpRequest can. */
export async function upload(file, onProgress, signal) {
  const headers = await credentials();
  const form = new FormData();
  form.append("file", file, file.name || "picture.png");
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("POST", "/v1/images");
    for (const [name, value] of Object.entries(headers)) request.setRequestHeader(name, value);
    request.setRequestHeader("Idempotency-Key", crypto.randomUUID());
    request.upload.onprogress = (event) => event.lengthComputable && onProgress(event.loaded / event.total);
    request.onload = () => request.status === 201
      ? resolve(JSON.parse(request.responseText))
      : reject(problemOf(request.status, request.responseText, request.getResponseHeader("Retry-After")));
    request.onerror = () => reject(new Problem({ slug: "offline", status: 0 }));
    request.onabort = () => reject(new Problem({ slug: "canceled", status: 0 }));
    signal.addEventListener("abort", () => request.abort());
    request.send(form);
  });
}

/** Send the browser to a link that makes it save a file. */
export async function save(path) {
  const link = await get(path);
  location.assign(link.url);
}

const POLLS = 60;

/** Save what an address answers under a name; a report that is made later is waited for. */
export async function download(path, name) {
  const response = await fetch(path, { headers: await credentials() });
  if (!response.ok) throw problemOf(response.status, await response.text(), response.headers.get("Retry-After"));
  if (response.status === 202) return saveLater(response.headers.get("Location"));
  const link = document.createElement("a");
  link.href = URL.createObjectURL(await response.blob());
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
  return undefined;
}

async function saveLater(address) {
  for (let polls = 0; polls < POLLS; polls += 1) {
    const made = await get(address);
    if (made.url ?? made.link) return location.assign(made.url ?? made.link);
    if (made.status === "failed") break;
    await new Promise((resolve) => setTimeout(resolve, 2000));
  }
  throw new Problem({ slug: "overloaded", status: 503 });
}
