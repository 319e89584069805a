/** What a page shows. */
export type Route =
  | { readonly page: 'overview' }
  | { readonly page: 'stream' }
  | { readonly page: 'meaning'; readonly term: string }
  | { readonly page: ModelPage; readonly model: string }
  | { readonly page: 'unknown'; readonly path: string };

/** Pages of one model, in the order of their tabs. */
export const MODEL_PAGES = ['model', 'rollout', 'versions', 'history'] as const;

/** One of them. */
export type ModelPage = (typeof MODEL_PAGES)[number];

/** Returns the page that the part of the address after # names. */
export function routeOf(hash: string): Route {
  const path = hash.replace(/^#\/?/, '');
  const [first = '', second = '', third = ''] = path.split('/').map((part) => {
    try {
      return decodeURIComponent(part);
    } catch {
      return part;
    }
  });
  if (first === '') return { page: 'overview' };
  if (first === 'stream') return { page: 'stream' };
  if (first === 'meaning') return { page: 'meaning', term: second };
  const page = third === '' ? 'model' : MODEL_PAGES.find((one) => one === third);
  if (first === 'models' && second !== '' && page !== undefined) return { page, model: second };
  return { page: 'unknown', path };
}

/** Returns the address of a page of a model. */
export function modelHref(model: string, page: ModelPage = 'model'): string {
  return `#/models/${encodeURIComponent(model)}${page === 'model' ? '' : `/${page}`}`;
}
