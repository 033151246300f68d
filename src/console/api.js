// The daemon's API (src/admin/API.md).

const tokenKey = "mqtt-linkd-token";

export class ApiError extends Error {
  // `error`: the object of an error answer.
  constructor(status, error) {
    super(error.message);
    this.status = status;
    this.code = error.code;
    this.problems = error.problems ?? [{ field: error.field ?? "", message: error.message }];
  }
}

// Kept for this tab only.
export function setToken(token) {
  sessionStorage.setItem(tokenKey, token);
}

function headers(more = {}) {
  const token = sessionStorage.getItem(tokenKey);
  return token ? { ...more, Authorization: `Bearer ${token}` } : more;
}

async function failure(response) {
  const body = await response.json().catch(() => null);
  return new ApiError(
    response.status,
    body?.error ?? { code: "internal", message: `the daemon answered ${response.status}` },
  );
}

// The answer to a request, or an ApiError. `etag` of the answer is in the result too.
export async function request(method, path, body, etag) {
  const more = {};
  if (body !== undefined) more["Content-Type"] = "application/json";
  if (etag) more["If-Match"] = etag;
  let response;
  try {
    response = await fetch(`/api/v1/${path}`, {
      method,
      headers: headers(more),
      body: body === undefined ? undefined : JSON.stringify(body),
    });
  } catch {
    throw new ApiError(0, { code: "unreachable", message: "the daemon does not answer" });
  }
  if (!response.ok) throw await failure(response);
  const answer = response.status === 204 ? null : await response.json();
  return { answer, etag: response.headers.get("ETag") };
}

export async function get(path) {
  return (await request("GET", path)).answer;
}

// The status, again and again, until the stream ends; then returns. Throws an ApiError if it cannot
// begin.
export async function followStatus(onStatus, signal) {
  const response = await fetch("/api/v1/events", { headers: headers(), signal }).catch(() => {
    throw new ApiError(0, { code: "unreachable", message: "the daemon does not answer" });
  });
  if (!response.ok) throw await failure(response);
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let unread = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    unread += value;
    const events = unread.split("\n\n");
    unread = events.pop();
    for (const event of events) {
      const data = event.split("\n").find((line) => line.startsWith("data: "));
      if (data) onStatus(JSON.parse(data.slice(6)));
    }
  }
}
