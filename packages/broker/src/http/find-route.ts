import type { Route } from './route.ts';

export type Found =
  | { readonly kind: 'route'; readonly route: Route; readonly id: string }
  | { readonly kind: 'unknown' }
  /** There is such a path, for other methods. */
  | { readonly kind: 'other-method'; readonly allow: string };

/** Looks paths up; made once. */
export function makeFinder(routes: readonly Route[]): (method: string, target: string) => Found {
  const byPath = new Map<string, Route[]>();
  for (const route of routes) byPath.set(route.path, [...(byPath.get(route.path) ?? []), route]);
  return (method, target) => {
    const query = target.indexOf('?');
    const path = query < 0 ? target : target.slice(0, query);
    const last = path.lastIndexOf('/') + 1;
    const plain = byPath.get(path);
    const found = plain ?? byPath.get(`${path.slice(0, last)}{id}`);
    // An id is asked for as it is: hexadecimal digits, and dashes between them.
    const id = plain === undefined ? path.slice(last) : '';
    if (found === undefined || (plain === undefined && !/^[\w-]{1,128}$/.test(id))) return { kind: 'unknown' };
    const wanted = method === 'HEAD' ? 'GET' : method;
    const route = found.find((each) => each.method === wanted);
    if (route !== undefined) return { kind: 'route', route, id };
    const allow = found.flatMap((each) => (each.method === 'GET' ? ['GET', 'HEAD'] : [each.method])).join(', ');
    return { kind: 'other-method', allow };
  };
}
