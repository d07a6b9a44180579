// Command binary is a module that is a program: its argument is a file of JSON.
package main

import (
	"encoding/json"
	"fmt"
	"os"
)

func main() {
	data, err := os.ReadFile(os.Args[1])
	var args map[string]any
	if err == nil {
		err = json.Unmarshal(data, &args)
	}
	result := map[string]any{"changed": true, "word": args["word"], "check": args["_ansible_check_mode"]}
	if err != nil {
		result = map[string]any{"failed": true, "msg": err.Error()}
	}
	out, err := json.Marshal(result)
	if err != nil {
		os.Exit(1)
	}
	fmt.Println(string(out))
}
