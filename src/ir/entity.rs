//! Typed indices. Module-level entities number WebAssembly's index spaces (imports first, as in the binary format);
//! function-level entities number the parts of one function graph.

use cranelift_entity::entity_impl;

macro_rules! entity {
    ($($(#[$doc:meta])* $name:ident = $prefix:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(u32);
        entity_impl!($name, $prefix);
    )*};
}

entity! {
    /// A function, imported ones first.
    FuncId = "func";
    /// A type, counted through all recursion groups.
    TypeId = "type";
    /// A table, imported ones first.
    TableId = "table";
    /// A linear memory, imported ones first.
    MemoryId = "mem";
    /// A global, imported ones first.
    GlobalId = "global";
    /// An element segment.
    ElemId = "elem";
    /// A data segment.
    DataId = "data";
    /// An exception tag, imported ones first.
    TagId = "tag";
    /// An SSA value of one function.
    Value = "v";
    /// An instruction of one function.
    Inst = "inst";
    /// A basic block of one function.
    Block = "b";
}
