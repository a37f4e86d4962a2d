// Under a finger the lead page goes on to the next lead of the queue with a swipe to the left, back with one to the
// right. What scrolls sideways by itself keeps its own swipes.
const FAR = 70; // pixels
const SLOW = 700; // milliseconds
let start = null;

function scrollsSideways(node) {
  for (let one = node; one && one !== document.body; one = one.parentElement) {
    if (one.scrollWidth > one.clientWidth + 1 && getComputedStyle(one).overflowX !== "visible") return true;
  }
  return false;
}

document.addEventListener(
  "touchstart",
  (event) => {
    const [touch] = event.touches;
    const leave = event.touches.length > 1 || event.target.closest("input, textarea, select, dialog") || scrollsSideways(event.target);
    start = leave ? null : { x: touch.clientX, y: touch.clientY, at: event.timeStamp };
  },
  { passive: true },
);
document.addEventListener(
  "touchend",
  (event) => {
    if (!start) return;
    const [touch] = event.changedTouches;
    const [across, down] = [touch.clientX - start.x, touch.clientY - start.y];
    const isSwipe = Math.abs(across) > FAR && Math.abs(across) > 2 * Math.abs(down) && event.timeStamp - start.at < SLOW;
    start = null;
    if (isSwipe) document.querySelector(across < 0 ? '[data-swipe="next"]' : '[data-swipe="back"]')?.click();
  },
  { passive: true },
);
