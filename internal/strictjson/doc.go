// Package strictjson reads JSON objects whose members are known by name. encoding/json alone would let pass names in
// another case and members given twice, and it stops at the first thing that is wrong, with values in its texts.
package strictjson
