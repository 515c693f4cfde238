// Turns each before/after pair into a slider; without it the pair stands side by side.
document.querySelectorAll(".compare").forEach((compare) => {
  const range = compare.querySelector("input");
  const stage = compare.querySelector(".stage");
  const show = () => {
    stage.style.setProperty("--shown", `${range.value}%`);
    range.setAttribute("aria-valuetext", `${range.value}% digital restoration`);
  };
  range.addEventListener("input", show);
  show();
  compare.hidden = false;
});
