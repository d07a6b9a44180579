package ansible

// This file lists what is taken from collections.

var collectionFilters = []collection{
	{[]string{general}, generalFilters},
	{[]string{utils, netcomm}, addressFilters},
	{[]string{utils, netcomm}, hardwareFilters},
	{[]string{utils}, utilsFilters},
	{[]string{netcomm}, netcommonFilters},
	{[]string{general}, generalMore},
	{[]string{general}, patchFilters},
	{[]string{general}, table{"to_yaml": filterToYAML, "to_nice_yaml": filterGeneralNiceYAML}},
}

var collectionTests = []collection{
	{[]string{utils}, addressTests},
	{[]string{general}, generalTests},
}
