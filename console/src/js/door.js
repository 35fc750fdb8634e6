// A link such as /sign-in#adc_... fills the key in. What stands behind # never reaches a server, and leaves the address
// at once; whoever opened the link still has to press the button.
document.addEventListener("DOMContentLoaded", () => {
  const field = document.querySelector('.door input[name="key"]');
  if (!field) return;
  if (location.hash.startsWith("#adc_")) {
    field.value = location.hash.slice(1);
    history.replaceState(history.state, "", location.pathname + location.search);
    document.querySelector('.door button[type="submit"]').focus();
  } else {
    field.focus();
  }
});
