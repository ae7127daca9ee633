// Shows what openapi.json says, and sends what is filled in. Calls carry no cookie: they are a
// visitor's, or those of the token that was entered.

const METHODS = ["get", "post", "put", "patch", "delete"];
const token = document.getElementById("token");
const place = document.getElementById("operations");

const element = (name, attributes, ...children) => {
  const made = Object.assign(document.createElement(name), attributes);
  made.append(...children.filter((child) => child !== null));
  return made;
};

const written = (value) => JSON.stringify(value, null, 2);

// Every other piece between backticks is code.
const withCode = (text) =>
  text.split("`").map((piece, number) => (number % 2 ? element("code", {}, piece) : piece));

const field = (parameter) => {
  const { name, schema, required, description } = parameter;
  const input = schema.enum
    ? element("select", {}, ...["", ...schema.enum].map((value) => element("option", { value }, value)))
    : element("input", { type: "text", autocomplete: "off" });
  Object.assign(input, { name, required: Boolean(required) });
  input.dataset.place = parameter.in;
  if (!schema.enum && schema.default !== undefined) input.placeholder = String(schema.default);
  const words = element("small", {}, ` ${parameter.in}${required ? "" : ", optional"}`);
  const explained = description ? element("small", {}, ` — ${description}`) : null;
  return element("label", {}, element("code", {}, name), words, explained, input);
};

// What a route answers when all is well: the type, and an example of it.
const successOf = (operation) => {
  const [status] = Object.keys(operation.responses).filter((name) => name < 300);
  const [[type, { example }] = ["application/json", {}]] =
    Object.entries(operation.responses[status]?.content ?? {});
  return { type, example };
};

const requestOf = (path, method, form, operation) => {
  const headers = { Accept: successOf(operation).type };
  const query = new URLSearchParams();
  let address = path;
  for (const input of form.querySelectorAll("[data-place]")) {
    const { name, value, dataset } = input;
    // An empty cursor is one, the list's end; it is asked for by two quotes.
    const sent = value === '""' ? "" : value;
    if (value === "") continue;
    if (dataset.place === "path") address = address.replace(`{${name}}`, encodeURIComponent(sent));
    if (dataset.place === "query") query.set(name, sent);
    if (dataset.place === "header") headers[name] = sent;
  }
  if (token.value) headers.Authorization = `Bearer ${token.value.trim()}`;
  const body = form.elements.body?.value;
  if (body !== undefined) headers["Content-Type"] = "application/json";
  const asked = query.size ? `?${query}` : "";
  return { address: address + asked, options: { method: method.toUpperCase(), headers, body } };
};

// A stream of events does not end, so its first ones are shown.
const beginningOf = async (answer) => {
  const reader = answer.body.getReader();
  const { value } = await reader.read();
  await reader.cancel();
  return new TextDecoder().decode(value);
};

const shown = async ({ address, options }) => {
  const answer = await fetch(address, { ...options, credentials: "omit", cache: "no-store" });
  const type = answer.headers.get("content-type") ?? "";
  const isJson = type.startsWith("application/json");
  const text = await (type.startsWith("text/event-stream") ? beginningOf(answer) : answer.text());
  const headers = ["etag", "location", "link", "allow", "retry-after"]
    .filter((name) => answer.headers.has(name))
    .map((name) => `${name}: ${answer.headers.get(name)}`);
  const lines = [`${answer.status} ${answer.statusText}`, ...headers];
  return [...lines, "", isJson ? written(JSON.parse(text)) : text].join("\n").trimEnd();
};

const quoted = (text) => `'${text.replaceAll("'", "'\\''")}'`;

const curl = ({ address, options }) => {
  const { Authorization, ...headers } = options.headers;
  const secret = Authorization ? { Authorization: "Bearer …" } : {};
  const parts = Object.entries({ ...headers, ...secret }).map(([name, value]) =>
    `-H ${quoted(`${name}: ${value}`)}`);
  if (options.body !== undefined) parts.push(`-d ${quoted(options.body)}`);
  return [`curl -X ${options.method} ${quoted(location.origin + address)}`, ...parts].join(" \\\n  ");
};

const attempt = (path, method, operation) => {
  const result = element("pre", { hidden: true, tabIndex: 0 });
  result.setAttribute("aria-live", "polite");
  const example = operation.requestBody?.content["application/json"].example;
  const body = example
    ? element("label", {}, "Body", element("textarea", { name: "body", spellcheck: false, value: written(example) }))
    : null;
  const form = element(
    "form", {}, ...(operation.parameters ?? []).map(field), body,
    element("button", { type: "submit" }, "Send"), result);
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const request = requestOf(path, method, form, operation);
    const said = await shown(request).catch((error) => `The request failed: ${error.message}`);
    result.textContent = `${curl(request)}\n\n${said}`;
    result.hidden = false;
  });
  return form;
};

const typeOf = (schema) => {
  if (schema.$ref) return schema.$ref.split("/").at(-1);
  if (schema.enum) return schema.enum.map((value) => JSON.stringify(value)).join(" | ");
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (schema.anyOf) return schema.anyOf.map(typeOf).join(" | ");
  return [schema.type].flat().join(" | ");
};

const fields = (described, reference) => {
  const schema = described.components.schemas[reference.split("/").at(-1)];
  const required = new Set(schema.required ?? []);
  return element("dl", {}, ...Object.entries(schema.properties).flatMap(([name, one]) => [
    element("dt", {}, element("code", {}, name)),
    element("dd", {}, `${one.description ?? ""} ${required.has(name) ? "Required. " : ""}`,
      element("code", {}, typeOf(one))),
  ]));
};

const bodyOf = (described, operation) => {
  const wrapped = operation.requestBody?.content["application/json"].schema.properties;
  if (!wrapped) return [];
  const [[wrapper, { $ref }]] = Object.entries(wrapped);
  return [element("h3", {}, `Body: {"${wrapper}": …}`), fields(described, $ref)];
};

const answersOf = (operation) => Object.entries(operation.responses).flatMap(([status, answer]) => {
  // Errors look all the same, as the beginning of the page tells.
  const example = status < 300 ? successOf(operation).example : undefined;
  const headers = Object.keys(answer.headers ?? {}).join(", ");
  return [
    element("dt", {}, status),
    element("dd", {}, `${answer.description} ${headers ? `Headers: ${headers}.` : ""}`,
      example ? element("pre", {}, typeof example === "string" ? example : written(example)) : null),
  ];
});

const card = (described, path, method, operation) => {
  const isPublic = !operation.security || operation.security.some((way) => !Object.keys(way).length);
  const summary = element(
    "summary", {},
    element("span", { className: "method" }, method.toUpperCase()),
    element("span", { className: "path" }, path),
    isPublic ? null : element("span", { className: "private" }, "needs a token"),
    element("span", { className: "words" }, operation.description ?? operation.summary));
  const inside = element(
    "div", { className: "inside" }, ...bodyOf(described, operation),
    element("h3", {}, "Try it"), attempt(path, method, operation),
    element("h3", {}, "Answers"), element("dl", {}, ...answersOf(operation)));
  return element("details", { className: method, id: operation.operationId }, summary, inside);
};

const show = (described) => {
  const cards = {};
  for (const [path, item] of Object.entries(described.paths)) {
    for (const method of METHODS.filter((name) => name in item)) {
      const [tag] = item[method].tags ?? ["others"];
      (cards[tag] ??= []).push(card(described, path, method, item[method]));
    }
  }
  const about = described.info.description.split("\n\n").map((text) => element("p", {}, ...withCode(text)));
  const groups = Object.entries(cards).flatMap(([tag, all]) => [element("h2", {}, tag), ...all]);
  place.replaceChildren(...about, ...groups);
};

fetch("openapi.json")
  .then((answer) => answer.json())
  .then(show)
  .catch((error) => {
    place.replaceChildren(element("p", { className: "wrong" }, `This could not be shown: ${error.message}`));
  });
