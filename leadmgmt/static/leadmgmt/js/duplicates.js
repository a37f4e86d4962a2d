// Two people side by side: choosing whom to keep chooses their values, which may be changed one by one.
document.addEventListener("change", (event) => {
  if (event.target.name !== "keep") return;
  for (const choice of document.querySelectorAll(`#merge input[type=radio][value="${CSS.escape(event.target.value)}"]`)) {
    choice.checked = true;
  }
});
