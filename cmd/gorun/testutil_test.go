package main

import "github.com/pmezard/go-difflib/difflib"

// lineDiff shows how got differs from want.
func lineDiff(want, got string) string {
	text, err := difflib.GetUnifiedDiffString(difflib.UnifiedDiff{
		A: difflib.SplitLines(want), B: difflib.SplitLines(got), FromFile: "want", ToFile: "got", Context: 2,
	})
	if err != nil {
		return err.Error()
	}
	return text
}
