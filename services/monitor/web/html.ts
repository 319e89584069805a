import htm from 'htm';
import { h } from 'preact';
import type { VNode } from 'preact';

type Template = (strings: TemplateStringsArray, ...values: unknown[]) => VNode;

/** The package's types describe its CommonJS half; what browsers load is the function itself. */
const templates = htm as unknown as { bind(create: typeof h): Template };

/** Returns the element that a template describes: markup with values and components in it. */
export const html = templates.bind(h);
