// Where tabs do not fit beside each other, the bar begins at the one that is open.
const PEEK = 40;

export function startTabs() {
  for (const open of document.querySelectorAll(".tabs > [aria-current]")) {
    const bar = open.parentElement;
    const past = open.getBoundingClientRect().right + PEEK - bar.getBoundingClientRect().right;
    // So much of the next one is seen that it tells there is more.
    if (past > 0) bar.scrollLeft += past;
  }
}
