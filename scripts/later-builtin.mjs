/** For esbuild: some of Node's own modules are heavy, so this one is loaded when one of its functions is first called. */
export function laterBuiltin(name, functions) {
  const setup = (builder) => {
    builder.onResolve({ filter: new RegExp(`^node:${name}$`) }, () => ({ path: name, namespace: `later-${name}` }));
    builder.onLoad({ filter: /.*/, namespace: `later-${name}` }, () => ({
      contents: `for (const name of ${JSON.stringify(functions)})
        Object.defineProperty(exports, name, { enumerable: true, get: () => require('${name}')[name] });`,
    }));
  };
  return { name: `later-${name}`, setup };
}
