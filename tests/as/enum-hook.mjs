// Loaded through NODE_OPTIONS=--import by tools/as-pect.mjs.
// @as-pect/transform 8.1.0, @as-covers/transform 0.4.2 and visitor-as were built against assemblyscript 0.27: their
// const enums stand inlined as `51 /* NodeKind.ClassDeclaration */`. assemblyscript 0.28.16 inserted
// NodeKind.TupleType, so every number after it moved by one. The hook rewrites the numbers at load time from the
// installed compiler's own enums, so that it survives the next renumbering too.
import { register } from "node:module";
register(new URL("./enum-hook-loader.mjs", import.meta.url));
