package notify

import (
	"maps"
	"path"
	"reflect"
	"slices"
	"strings"
	"text/template/parse"

	"kyc/onboarding"
)

// What templates are checked for without running them: that every block is there, is called by a name that exists and
// speaks of facts that exist, in the branches too that hardly ever run.

var (
	factFields   = fieldsOf(facts{})
	momentFields = fieldsOf(moment{})
	pageFields   = fieldsOf(page{}, paragraph{})
)

func fieldsOf(values ...any) []string {
	var names []string
	for _, v := range values {
		for i := range reflect.TypeOf(v).NumField() {
			names = append(names, reflect.TypeOf(v).Field(i).Name)
		}
	}
	return names
}

// inspect holds the blocks of a message against what the message needs.
func (l *loader) inspect(spoken language, kind onboarding.MessageKind, blocks map[string]*parse.Tree) {
	const remedy = `define it with {{define "…"}} … {{end}}`
	file := path.Join(string(spoken), string(kind)+wordsEnding)
	for _, name := range ownBlocks(kind) {
		if blocks[name] == nil {
			l.flaws.add(file, "block "+name+" is missing", remedy)
		}
	}
	for _, name := range sharedBlocks(kind) {
		if blocks[name] == nil {
			l.flaws.add(path.Join(string(spoken), homeOf(name)), "block "+name+" is missing", remedy)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(blocks)) {
		tree := blocks[name]
		for called := range l.inspectTree(tree.ParseName, tree, fieldsFor(name), blocks) {
			l.called[spoken][called] = true
		}
	}
}

// homeOf is the file of a block that messages share.
func homeOf(block string) string {
	if strings.HasPrefix(block, reasonPrefix) {
		return reasonsFile
	}
	return commonFile
}

// fieldsFor are the facts that a block may speak of. A block of the author's own may be called with any.
func fieldsFor(block string) []string {
	switch {
	case block == blockTime:
		return momentFields
	case strings.HasPrefix(block, reasonPrefix):
		return nil
	case slices.Contains(ownBlocks(onboarding.MessageInvitation), block) || slices.Contains(sharedBlocks(onboarding.MessageInvitation), block):
		return factFields
	}
	return slices.Concat(factFields, momentFields)
}

// inspectNames finds blocks that are defined where they have no effect.
func (l *loader) inspectNames(spoken language) {
	for _, name := range slices.Sorted(maps.Keys(l.own)) {
		if path.Dir(name) != string(spoken) {
			continue
		}
		for _, block := range slices.Sorted(maps.Keys(l.own[name].blocks)) {
			l.inspectName(spoken, name, block)
		}
	}
}

func (l *loader) inspectName(spoken language, file, block string) {
	const remedy = "remove it, or write its name as docs/messages.md has it"
	kind := onboarding.MessageKind(strings.TrimSuffix(path.Base(file), wordsEnding))
	_, ofMessage := forCustomer[kind]
	switch {
	case strings.HasPrefix(block, reasonPrefix) && !slices.Contains(reasonBlocks(), block):
		l.flaws.add(file, "block "+block+" is about no reason that customers may be told", "remove it")
	case l.called[spoken][block]:
	case ofMessage && (slices.Contains(ownBlocks(kind), block) || slices.Contains(sharedBlocks(kind), block)):
	case !ofMessage && path.Base(file) == homeOf(block) && slices.ContainsFunc(kinds(), func(k onboarding.MessageKind) bool {
		return slices.Contains(sharedBlocks(k), block)
	}):
	default:
		l.flaws.add(file, "block "+block+" is not used here", remedy)
	}
}

// inspectTree checks the fields of a block, and the names of those it calls if blocks are given. It returns the names.
func (l *loader) inspectTree(file string, tree *parse.Tree, fields []string, blocks map[string]*parse.Tree) map[string]bool {
	called := map[string]bool{}
	if tree == nil || tree.Root == nil {
		return called
	}
	field := func(names []string) {
		switch {
		case len(names) == 0:
		case !slices.Contains(fields, names[0]):
			remedy := "nothing is known here: write plain words"
			if len(fields) > 0 {
				remedy = "use ." + strings.Join(fields, ", .")
			}
			l.flaws.add(file, "there is no field ."+names[0], remedy)
		case len(names) > 1:
			l.flaws.add(file, "."+names[0]+" has no field ."+names[1], "use ."+names[0])
		}
	}
	walk(tree.Root, func(n parse.Node) {
		switch n := n.(type) {
		case *parse.FieldNode:
			field(n.Ident)
		case *parse.VariableNode: // $.Field
			field(n.Ident[1:])
		case *parse.ChainNode:
			field(n.Field)
		case *parse.TemplateNode:
			called[n.Name] = true
			if blocks != nil && blocks[n.Name] == nil {
				l.flaws.add(file, "block "+n.Name+" is called and not defined", `define it with {{define "…"}} … {{end}}, or correct the name`)
			}
		}
	})
	return called
}

// walk visits every node of a template.
func walk(n parse.Node, visit func(parse.Node)) {
	visit(n)
	branch := func(b *parse.BranchNode) {
		walk(b.Pipe, visit)
		walk(b.List, visit)
		if b.ElseList != nil {
			walk(b.ElseList, visit)
		}
	}
	switch n := n.(type) {
	case *parse.ListNode:
		for _, child := range n.Nodes {
			walk(child, visit)
		}
	case *parse.ActionNode:
		walk(n.Pipe, visit)
	case *parse.PipeNode:
		for _, command := range n.Cmds {
			walk(command, visit)
		}
	case *parse.CommandNode:
		for _, argument := range n.Args {
			walk(argument, visit)
		}
	case *parse.ChainNode:
		walk(n.Node, visit)
	case *parse.TemplateNode:
		if n.Pipe != nil {
			walk(n.Pipe, visit)
		}
	case *parse.IfNode:
		branch(&n.BranchNode)
	case *parse.RangeNode:
		branch(&n.BranchNode)
	case *parse.WithNode:
		branch(&n.BranchNode)
	}
}
