// Package law holds nothing but tests. They read the imports of every Go file of the module and hold them against the
// table of which room may import what, so that the map of the house stays true.
package law
