// What the API says, in the words of somebody who came with a picture: what happened, and what to do next.

/** What this installation allows, as the page was told: megabytes, megapixels, hours. */
export const limits = document.documentElement.dataset;

const WORDS = {
  "offline": ["No connection", "The server could not be reached. Check your connection and try again."],
  "canceled": ["Stopped", "The upload was stopped; nothing was kept."],
  "unauthenticated": ["Please sign in again", "Your session has ended. Sign in and you will be back where you were."],
  "sign-in-unavailable": ["Sign-in is busy", "Signing in cannot be checked at the moment. Try again in a minute."],
  "not-found": ["It is not here any more", "The picture was deleted, or it belongs to another account."],
  "rate-limited": ["A little too fast", "Wait a moment and try again."],
  "overloaded": ["Many pictures are waiting", "Nothing was charged. Try again in a minute."],
  "database-unavailable": ["We have a hiccup", "Nothing was charged. Try again in a minute."],
  "commit-unknown": ["We have a hiccup", "Look whether it is there before you try again; nothing is charged twice."],
  "storage-unavailable": ["Files cannot be reached", "Our file store does not answer. Nothing was charged; try again in a minute."],
  "payments-unavailable": ["Payments cannot be reached", "The payment provider does not answer. No money moved; try again in a minute."],
  "vat-id-invalid": ["That VAT id does not fit", "Check the number and the country, or leave it out to buy as a private person."],
  "upload-too-large": ["The file is too large", `Up to ${limits.megabytes} MB can be uploaded. Save it as a JPEG, or make it smaller first.`],
  "too-many-pixels": ["The picture is too large", `Up to ${limits.megapixels} megapixels can be uploaded. Make it smaller first.`],
  "unsupported-media-type": ["That is not a PNG or JPEG", "Open it in any picture program, save it as PNG, and drop that here."],
  "animated-image": ["That picture moves", "Only still pictures can be drawn. Save one frame as a PNG and drop that here."],
  "image-undecodable": ["The file is damaged", "It ends too early or cannot be read. Save or download it again and try once more."],
  "format-not-ready": ["The file is still being made", "Try again in a few seconds; it costs nothing more."],
  "image-not-ready": ["The picture is still being prepared", "Large pictures take a few seconds. Try again in a moment."],
  "image-not-usable": ["This picture cannot be used", "It could not be prepared. Try another file."],
  "image-expired": ["The picture is gone", `Pictures are deleted after ${limits.hours} hours. Upload it again to go on.`],
  "result-expired": ["The file is gone", `Results are deleted with their picture after ${limits.hours} hours.`],
  "insufficient-credits": ["Not enough credits", "Nothing was charged. Buy credits and go on where you are."],
  "too-complex": ["Too much is going on in this picture", "Try fewer colors or less detail. It cost nothing."],
  "attempts-exhausted": ["It did not work out", "We tried several times. It cost nothing; try again later or with other settings."],
  "engine-crashed": ["It did not work out", "Something broke while drawing. It cost nothing; try other settings."],
  "admin-required": ["For operators only", "Your account does not have the admin role."],
  "internal-error": ["Something went wrong on our side", "It is noted. Nothing was charged; try again later."],
};

/** Title and advice for a problem. What we have no words for is said as the API says it. */
export function wordsFor(problem) {
  if (!problem.slug) console.error(problem); // a defect of the page: say it where its makers look
  const [title, advice] = WORDS[problem.slug] ?? [problem.title ?? "That did not work", problem.detail ?? problem.message];
  const wrong = (problem.errors ?? []).map((one) => `${nameOf(one.pointer)}: ${one.detail}`);
  return { title, advice: wrong.length ? `${wrong.join(". ")}.` : advice };
}

const nameOf = (pointer) => (pointer.split("/").pop() || "The request").replaceAll("_", " ");

const STAGES = {
  queued: "Waiting for its turn", started: "Getting the picture", decoding: "Reading the picture",
  analysing: "Looking at the colors", tracing: "Drawing the shapes", comparing: "Comparing with your picture",
  rendering: "Making the preview", done: "Done",
};

export const stageOf = (job) => STAGES[job.stage] ?? (job.status === "queued" ? STAGES.queued : "Drawing");

const many = new Intl.NumberFormat(undefined, { maximumFractionDigits: 1 });

export const count = (number) => many.format(number);
export const credits = (text) => `${count(Number(text))} ${Number(text) === 1 ? "credit" : "credits"}`;
export const money = (amount, currency) =>
  new Intl.NumberFormat(undefined, { style: "currency", currency: currency.toUpperCase() }).format(amount / 100);
export const day = (text) => new Intl.DateTimeFormat(undefined, { dateStyle: "medium" }).format(new Date(text));
export const moment = (text) => new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" }).format(new Date(text));

export function bytes(size) {
  if (size < 1000) return `${size} B`;
  return size < 1e6 ? `${count(size / 1000)} kB` : `${count(size / 1e6)} MB`;
}

/** How long something will still be there. */
export function left(expiresAt) {
  const minutes = Math.round((new Date(expiresAt) - Date.now()) / 60000);
  if (minutes <= 0) return "gone";
  return minutes < 90 ? `${minutes} min left` : `${Math.round(minutes / 60)} h left`;
}

/** What the similarity of drawing and picture (0 to 1) means. */
export function verdict(similarity) {
  if (similarity >= 0.97) return "As good as the picture itself";
  if (similarity >= 0.9) return "Very close to your picture";
  if (similarity >= 0.75) return "A good likeness";
  return "A free rendering";
}
