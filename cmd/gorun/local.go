package main

// This file lists the modules that run in the controller's own process: those
// that speak to a cloud's API instead of a host.

import (
	"gorun/modules"
	"gorun/modules/openstack"
)

// controllerModules are the modules that no agent carries.
var controllerModules = []*modules.Module{
	openstack.FloatingIP, openstack.Keypair, openstack.Network, openstack.NovaCompute, openstack.Port,
	openstack.SecurityGroup, openstack.SecurityGroupRule, openstack.Server, openstack.ServerInfo, openstack.Subnet,
}

func localModules() map[string]*modules.Module {
	t := make(map[string]*modules.Module, len(controllerModules))
	for _, m := range controllerModules {
		t[m.Spec.Name] = m
	}
	return t
}
