package law

import (
	"fmt"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// root is the root of the module, seen from this package.
const root = "../.."

// arrow is one import of one file.
type arrow struct {
	position string // file:line, relative to root
	folder   string // the file's, relative to root, with slashes
	path     string
}

// modulePath reads the module's name from go.mod, so that renaming the module changes nothing here.
func modulePath() (string, error) {
	text, err := os.ReadFile(filepath.Join(root, "go.mod"))
	if err != nil {
		return "", err
	}
	for line := range strings.Lines(string(text)) {
		if fields := strings.Fields(line); len(fields) == 2 && fields[0] == "module" {
			return fields[1], nil
		}
	}
	return "", fmt.Errorf("go.mod has no module line")
}

// goFolders finds the folders of the module with Go files other than tests, and those files. Build tags are ignored on
// purpose: the law holds on every platform.
func goFolders() (map[string][]string, error) {
	folders := map[string][]string{}
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := entry.Name()
		if entry.IsDir() {
			if path == root {
				return nil
			}
			if strings.HasPrefix(name, ".") || strings.HasPrefix(name, "_") || name == "testdata" || name == "bin" {
				return filepath.SkipDir
			}
			if _, err := os.Stat(filepath.Join(path, "go.mod")); err == nil {
				return filepath.SkipDir // a module of its own
			}
			return nil
		}
		if !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			return nil
		}
		folder, err := filepath.Rel(root, filepath.Dir(path))
		if err != nil {
			return err
		}
		folder = filepath.ToSlash(folder)
		folders[folder] = append(folders[folder], name)
		return nil
	})
	return folders, err
}

// arrowsOf reads the imports of a file; it need not compile, only its head has to be Go.
func arrowsOf(folder, name string) ([]arrow, error) {
	files := token.NewFileSet()
	file, err := parser.ParseFile(files, filepath.Join(root, folder, name), nil, parser.ImportsOnly)
	if err != nil {
		return nil, err
	}
	var arrows []arrow
	for _, spec := range file.Imports {
		path, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			return nil, err
		}
		position := fmt.Sprintf("%s/%s:%d", folder, name, files.Position(spec.Pos()).Line)
		arrows = append(arrows, arrow{position: position, folder: folder, path: path})
	}
	return arrows, nil
}

// packageComment is what doc.go of a folder says of its package.
func packageComment(folder string) (string, error) {
	file, err := parser.ParseFile(token.NewFileSet(), filepath.Join(root, folder, "doc.go"), nil,
		parser.ParseComments|parser.PackageClauseOnly)
	if err != nil {
		return "", err
	}
	return strings.TrimSpace(file.Doc.Text()), nil
}
