// A live picture that comes again by itself: after a failure with growing pauses, and when the page is seen again. What
// is not seen is not followed, for a browser opens six connections to an address only.
const PAUSES_MS = [1000, 2000, 4000, 8000, 15000];

export const pause = (failures) => PAUSES_MS[Math.min(failures, PAUSES_MS.length) - 1];

// shown(is): whether there is a picture, after each change of that.
export function follow(image, source, shown) {
  let failures = 0;
  const begin = () => {
    if (!document.hidden && (image.isConnected || failures === 0)) image.src = source;
  };
  image.addEventListener("load", () => {
    failures = 0;
    shown(true);
  });
  image.addEventListener("error", () => {
    if (!image.hasAttribute("src")) return;
    failures += 1;
    shown(false);
    setTimeout(begin, pause(failures));
  });
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) image.removeAttribute("src");
    else begin();
  });
  begin();
}
