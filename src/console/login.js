import { request, setToken } from "./api.js";
import { h, setText } from "./dom.js";

// Asks for the token of admin.token_file; calls onLogin() once the daemon takes it.
export function loginPage(onLogin) {
  const field = h("input", {
    type: "password",
    id: "token",
    autocomplete: "current-password",
    required: true,
    autofocus: true,
    "aria-describedby": "token-error",
  });
  const error = h("p", { id: "token-error", class: "error", role: "alert" });
  const send = async (event) => {
    event.preventDefault();
    setToken(field.value.trim());
    try {
      await request("GET", "status");
      onLogin();
    } catch (failure) {
      setText(error, failure.status === 401 ? "This is not the token." : failure.message);
      field.select();
    }
  };
  return {
    title: "Log in",
    element: h(
      "section",
      { class: "narrow" },
      h("h1", {}, "Log in"),
      h(
        "form",
        { class: "card", onsubmit: send },
        h(
          "div",
          { class: "field" },
          h("label", { for: "token" }, "Token"),
          field,
          error,
          h("p", { class: "hint" }, "The content of the file that admin.token_file names."),
        ),
        h("div", { class: "buttons" }, h("button", { class: "primary" }, "Log in")),
      ),
    ),
  };
}
