// The rules for our JavaScript: what is likely wrong, how large a function may be, and one style.

import js from "@eslint/js";
import stylistic from "@stylistic/eslint-plugin";
import globals from "globals";

const style = stylistic.configs.customize({
    arrowParens: true,
    braceStyle: "1tbs",
    commaDangle: "always-multiline",
    indent: 4,
    quoteProps: "as-needed",
    quotes: "double",
    semi: true,
});

export default [
    { ignores: [".*/", "build/", "dist/", "output/", "shared/"] },
    js.configs.recommended,
    style,
    {
        linterOptions: { reportUnusedDisableDirectives: "error" },
        rules: {
            "@stylistic/max-len": ["error", { code: 100 }],
            complexity: ["error", 10],
            eqeqeq: ["error", "always", { null: "ignore" }],
            "max-depth": ["error", 4],
            "max-lines": ["error", { max: 300, skipComments: true }],
            "max-lines-per-function": ["error", { max: 40, skipComments: true }],
            "max-params": ["error", 6],
            "no-var": "error",
            "object-shorthand": "error",
            "prefer-const": "error",
        },
    },
    {
        files: ["web/**/*.js"],
        languageOptions: {
            // LiteGraph's classes are the front end's own, and global there.
            globals: {
                ...globals.browser,
                LGraphBadge: "readonly",
                LGraphCanvas: "readonly",
                LiteGraph: "readonly",
            },
        },
    },
];
