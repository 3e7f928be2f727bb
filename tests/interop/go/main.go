// Reads a book's checkpoints, tiles and proofs with Go's own packages for transparency logs,
// golang.org/x/mod/sumdb/note and tlog. The Rust test that calls it writes the directory:
//
//	key                      the book's key, as note verifiers are written
//	checkpoints/SIZE         signed notes, some with lines of witnesses
//	tile/0/000 ...           tiles, in the layout of tlog-tiles
//	entries/SEQ              leaf entries
//	inclusion/SEQ            our proof of SEQ under the largest checkpoint, a hash a line
//	consistency/SIZE         our proof from that size to the largest
package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

type tree struct {
	size int64
	root tlog.Hash
	// Lines of witnesses under it, which are of a type that note does not know.
	witnesses int
}

// tiles reads tiles from files, as a client of a log would from a server.
type tiles struct{ dir string }

func (tiles) Height() int                         { return 8 }
func (tiles) SaveTiles(_ []tlog.Tile, _ [][]byte) {}

func (t tiles) ReadTiles(wanted []tlog.Tile) ([][]byte, error) {
	var all [][]byte
	for _, tile := range wanted {
		// Go's paths name the height, those of tlog-tiles, where it is always 8, do not.
		path := strings.Replace(tile.Path(), "tile/8/", "tile/", 1)
		data, err := os.ReadFile(filepath.Join(t.dir, path))
		if err != nil {
			return nil, err
		}
		all = append(all, data)
	}
	return all, nil
}

func checkpoint(dir string, size int64, verifiers note.Verifiers) (tree, error) {
	data, err := os.ReadFile(filepath.Join(dir, "checkpoints", fmt.Sprint(size)))
	if err != nil {
		return tree{}, err
	}
	// A note with one changed byte must not open, or opening proves nothing.
	changed := append([]byte(nil), data...)
	end := bytes.Index(data, []byte("\n\n"))
	if end < 0 {
		return tree{}, errors.New("no text and signatures")
	}
	changed[end/3] ^= 1
	if _, err := note.Open(changed, verifiers); err == nil {
		return tree{}, errors.New("a changed note opens")
	}
	opened, err := note.Open(data, verifiers)
	if err != nil {
		return tree{}, err
	}
	// Lines of witnesses are passed over and kept, and prove nothing by themselves.
	for _, sig := range opened.UnverifiedSigs {
		if sig.Name == opened.Sigs[0].Name {
			return tree{}, errors.New("a line in the book's own name is not verified")
		}
	}
	if count := len(opened.UnverifiedSigs); count > 0 {
		lines := strings.SplitAfter(string(data[end+2:]), "\n")
		without := string(data[:end+2]) + strings.Join(lines[1:], "")
		var unverified *note.UnverifiedNoteError
		if _, err := note.Open([]byte(without), verifiers); !errors.As(err, &unverified) {
			return tree{}, fmt.Errorf("without the book's own line: %v", err)
		}
		if len(unverified.Note.UnverifiedSigs) != count {
			return tree{}, errors.New("a line of a witness was lost")
		}
	}
	lines := strings.Split(opened.Text, "\n")
	if len(lines) != 4 || len(opened.Sigs) != 1 || lines[0] != opened.Sigs[0].Name {
		return tree{}, errors.New("not origin, size and root by one key")
	}
	stated, err := strconv.ParseInt(lines[1], 10, 64)
	if err != nil || stated != size {
		return tree{}, fmt.Errorf("the note says size %q", lines[1])
	}
	root, err := tlog.ParseHash(lines[2])
	return tree{size, root, len(opened.UnverifiedSigs)}, err
}

func proof(path string) ([]tlog.Hash, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var hashes []tlog.Hash
	for _, line := range strings.Fields(string(data)) {
		hash, err := tlog.ParseHash(line)
		if err != nil {
			return nil, err
		}
		hashes = append(hashes, hash)
	}
	return hashes, nil
}

// numbers lists the files of a directory, which are all named by a number.
func numbers(dir string) ([]int64, error) {
	files, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var all []int64
	for _, file := range files {
		number, err := strconv.ParseInt(file.Name(), 10, 64)
		if err != nil {
			return nil, err
		}
		all = append(all, number)
	}
	sort.Slice(all, func(i, j int) bool { return all[i] < all[j] })
	return all, nil
}

func run(dir string) error {
	key, err := os.ReadFile(filepath.Join(dir, "key"))
	if err != nil {
		return err
	}
	verifier, err := note.NewVerifier(strings.TrimSpace(string(key)))
	if err != nil {
		return err
	}
	verifiers := note.VerifierList(verifier)
	sizes, err := numbers(filepath.Join(dir, "checkpoints"))
	if err != nil {
		return err
	}
	var trees []tree
	for _, size := range sizes {
		point, err := checkpoint(dir, size, verifiers)
		if err != nil {
			return fmt.Errorf("checkpoint %d: %w", size, err)
		}
		trees = append(trees, point)
	}
	newest := trees[len(trees)-1]
	var witnesses int
	for _, point := range trees {
		witnesses += point.witnesses
	}
	// This reader proves each tile that it reads against the signed root.
	reader := tlog.TileHashReader(tlog.Tree{N: newest.size, Hash: newest.root}, tiles{dir})

	seqs, err := numbers(filepath.Join(dir, "entries"))
	if err != nil {
		return err
	}
	for _, seq := range seqs {
		entry, err := os.ReadFile(filepath.Join(dir, "entries", fmt.Sprint(seq)))
		if err != nil {
			return err
		}
		ours, err := proof(filepath.Join(dir, "inclusion", fmt.Sprint(seq)))
		if err != nil {
			return err
		}
		leaf := tlog.RecordHash(entry)
		if err := tlog.CheckRecord(ours, newest.size, newest.root, seq, leaf); err != nil {
			return fmt.Errorf("our proof of %d: %w", seq, err)
		}
		theirs, err := tlog.ProveRecord(newest.size, seq, reader)
		if err != nil || fmt.Sprint(theirs) != fmt.Sprint(tlog.RecordProof(ours)) {
			return fmt.Errorf("Go's proof of %d out of our tiles is another one: %v", seq, err)
		}
		if tlog.CheckRecord(ours, newest.size, newest.root, seq, tlog.RecordHash(entry[1:])) == nil {
			return fmt.Errorf("another entry passes at %d", seq)
		}
	}
	for _, old := range trees[:len(trees)-1] {
		ours, err := proof(filepath.Join(dir, "consistency", fmt.Sprint(old.size)))
		if err != nil {
			return err
		}
		if err := tlog.CheckTree(ours, newest.size, newest.root, old.size, old.root); err != nil {
			return fmt.Errorf("our proof from %d: %w", old.size, err)
		}
		theirs, err := tlog.ProveTree(newest.size, old.size, reader)
		if err != nil || fmt.Sprint(theirs) != fmt.Sprint(tlog.TreeProof(ours)) {
			return fmt.Errorf("Go's proof from %d out of our tiles is another one: %v", old.size, err)
		}
	}
	fmt.Printf("%d notes, %d lines of witnesses passed over and kept, %d inclusion proofs, %d consistency proofs\n",
		len(trees), witnesses, len(seqs), len(trees)-1)
	return nil
}

func main() {
	if err := run(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
