import { createRequire } from "node:module";

// The linters' packages lie below .dev/, where `make lint` installs them.
const require = createRequire(new URL("./.dev/node/package.json", import.meta.url));
const js = require("@eslint/js");
const globals = require("globals");

export default [
    { ignores: ["**/.*/**", "**/lib/**"] },
    js.configs.recommended,
    { files: ["*.mjs"], languageOptions: { globals: globals.node } },
    {
        files: ["static/**/*.js"],
        languageOptions: {
            ecmaVersion: 2022,
            sourceType: "module",
            globals: { ...globals.browser, Chart: "readonly", luxon: "readonly", odoo: "readonly" },
        },
        rules: {
            curly: "error",
            eqeqeq: ["error", "always"],
            "no-console": "error",
            "no-restricted-globals": ["error", "event", "self"],
            "no-unused-vars": ["error", { args: "after-used", caughtErrors: "all" }],
            "no-var": "error",
            "object-shorthand": "error",
            "prefer-const": ["error", { destructuring: "all" }],
            "prefer-template": "error",
        },
    },
];
