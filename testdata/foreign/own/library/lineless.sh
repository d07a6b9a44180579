echo nobody runs this
