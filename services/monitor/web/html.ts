import htm from 'htm';
import { h } from 'preact';
import type { ComponentChildren, VNode } from 'preact';

/** Returns the element that a template describes: markup with values and components in it. */
export const html = htm.bind(h as never) as unknown as (
  strings: TemplateStringsArray,
  ...values: unknown[]
) => VNode;

/** What a component is given between its tags. */
export interface WithChildren {
  readonly children?: ComponentChildren;
}
