import * as assemblyscript from "assemblyscript";

const PACKAGES = /\/node_modules\/(@as-pect\/transform|@as-covers\/transform|visitor-as)\//;
const INLINED = /\b(\d+) \/\* (\w+)\.(\w+) \*\//g;

export async function load(url, context, next) {
  const result = await next(url, context);
  if (result.source == null || !PACKAGES.test(url)) return result;
  const text = typeof result.source === "string" ? result.source : Buffer.from(result.source).toString();
  const source = text.replace(INLINED, (all, _number, enumeration, member) => {
    const value = assemblyscript[enumeration]?.[member];
    return typeof value === "number" ? `${value} /* ${enumeration}.${member} */` : all;
  });
  return { ...result, source };
}
