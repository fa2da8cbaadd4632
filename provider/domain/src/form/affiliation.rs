//! Three dependent selections from the tenant's tree.
