package ansible

// This file lists what is taken from collections.

var collectionFilters = []collection{}

var collectionTests = []collection{}
